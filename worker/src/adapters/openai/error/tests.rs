#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;
use crate::{
    adapters::openai::{
        body,
        form::Form,
        refusal::{Asked, Refusal, refusal},
        response::{ModelError, Sent},
    },
    failure::RetryPolicy,
};

fn sent(status: u16, body: &str) -> Sent {
    Sent {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: None,
        should_retry: None,
        request_id: "req_1".to_owned(),
        body: body::unpacked(body.as_bytes().to_vec(), 1 << 20),
        broken: None,
        key: "sk-a-secret".to_owned().into(),
    }
}

fn outcome(sent: &Sent, newer: bool) -> (String, String) {
    let form = Form::new(newer);
    let asked = Asked { model: "m", form, max_tokens: 9_000, has_picture: false, opens_thoughts: false };
    match refusal(sent, &ErrorBody::of(&sent.body), Some(asked)) {
        Refusal::Form(next) if next == Form { completion_limit: !newer, ..form } => {
            ("other limit".to_owned(), String::new())
        }
        Refusal::Form(_) => ("other form".to_owned(), String::new()),
        Refusal::Error(ModelError::ContextFull(_)) => ("full".to_owned(), String::new()),
        Refusal::Error(ModelError::ContextLength(_)) => ("context".to_owned(), String::new()),
        Refusal::Error(ModelError::Unauthorized(f)) => {
            (format!("unauthorized {}", f.reason.as_str()), f.detail)
        }
        Refusal::Error(ModelError::Failed(f)) => {
            let retry = if f.retry == RetryPolicy::Never { "lasting" } else { "passing" };
            assert!(!f.detail.contains("secret"), "{}", f.detail);
            (format!("{retry} {}", f.reason.as_str()), f.detail)
        }
        Refusal::Error(_) => panic!("not from a status"),
    }
}

fn check_refusal(status: u16, body: &str, newer: bool, expect: &str) {
    assert_eq!(outcome(&sent(status, body), newer).0, expect, "{status} {body}");
}

#[test]
fn every_error_status_has_its_typed_outcome() {
    let check = |status, body, expect| check_refusal(status, body, false, expect);
    for status in [408, 409, 424, 425, 429, 498, 500, 502, 503, 504, 529] {
        check(status, "", "passing model_unavailable");
    }
    check(429, r#"{"error":{"message":"secret","code":"rate_limit_exceeded"}}"#, "passing model_unavailable");
    check(401, r#"{"error":{"code":"invalid_api_key"}}"#, "unauthorized model_auth");
    check(403, "secret", "lasting model_auth");
    check(404, r#"{"error":{"code":"model_not_found"}}"#, "lasting model_gone");
    check(404, "", "lasting model_gone");
    check(400, r#"{"error":{"code":"model_not_found"}}"#, "lasting model_gone");
    check(400, r#"{"error":{"code":"secret words that a server wrote"}}"#, "lasting model_refused");
    check(400, r#"{"error":{"code":400,"message":"secret"}}"#, "lasting model_refused");
    check(422, "[]", "lasting model_refused");
    check(403, r#"{"error":{"code":"model_not_found"}}"#, "lasting model_gone");
    check(400, r#"{"error":{"code":"sk-a-secret"}}"#, "lasting model_refused");
}

/// Checks errors that servers report in their own words and forms.
fn check_rows(expect: &str, rows: &[(u16, &str)]) {
    for (status, body) in rows {
        check_refusal(*status, body, false, expect);
    }
}

#[test]
fn every_server_may_say_in_its_own_way_that_a_prompt_is_too_long() {
    check_rows(
        "context",
        &[
            (400, r#"{"error":{"code":"context_length_exceeded"}}"#),
            (400, r#"{"error":{"message":["x"],"param":{"a":1},"code":"context_length_exceeded"}}"#),
            (400, r#"{"error":"context_length_exceeded"}"#),
            (400, r#"{"error":{"message":"This model's maximum context length is 8192 tokens","code":400}}"#),
            // llama.cpp.
            (
                400,
                r#"{"error":{"code":400,"message":"request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":4390,"n_ctx":4096}}"#,
            ),
            // vLLM: the newest version first, then older ones.
            (
                400,
                r#"{"error":{"message":"You passed 1193 input tokens and requested 7000 output tokens. However, the model's context length is only 8192 tokens, resulting in a maximum input length of 1192 tokens. Please reduce the length of the input prompt.","type":"BadRequestError","param":"input_tokens","code":400}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is 4096 tokens and your request has 2778 input tokens","type":"BadRequestError","param":null,"code":400}}"#,
            ),
            (
                400,
                r#"{"object":"error","message":"This model's maximum context length is 512 tokens. However, you requested 1600 tokens","type":"BadRequestError","param":null,"code":400}"#,
            ),
            // Gemini, Anthropic, xAI, llama-cpp-python, Groq.
            (
                400,
                r#"[{"error":{"code":400,"message":"The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]"#,
            ),
            (
                400,
                r#"{"error":{"code":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum","type":"invalid_request_error","param":null}}"#,
            ),
            (
                400,
                r#"{"code":"invalid-argument","error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens."}"#,
            ),
            (400, r#"{"error":{"message":"Requested tokens (2085) exceed context window of 2048"}}"#),
            (
                413,
                r#"{"error":{"message":"Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 8000","type":"tokens","code":"rate_limit_exceeded"}}"#,
            ),
        ],
    );
}

#[test]
fn a_context_that_slots_share_may_be_full_for_a_while() {
    check_rows(
        "full",
        &[
            (
                500,
                r#"{"error":{"code":500,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error"}}"#,
            ),
            (
                500,
                r#"{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}"#,
            ),
        ],
    );
}

#[test]
fn every_server_may_say_in_its_own_way_that_nothing_is_left_to_pay_with() {
    check_rows(
        "lasting model_quota",
        &[
            (402, ""),
            (
                402,
                r#"{"error":{"code":402,"message":"Insufficient credits. Add more using https://openrouter.ai/credits"}}"#,
            ),
            (
                402,
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
            ),
            (400, r#"{"error":{"code":"billing_hard_limit_reached","type":"invalid_request_error"}}"#),
            (
                400,
                r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            ),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#),
            (429, r#"{"error":{"type":"insufficient_quota","code":null}}"#),
        ],
    );
}

#[test]
fn every_server_may_say_in_its_own_way_that_there_is_no_such_model() {
    check_rows(
        "lasting model_gone",
        &[
            (404, r#"{"error":{"message":"No endpoints found for foo/bar.","code":404}}"#),
            (
                400,
                r#"{"error":{"message":"The model `x` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}"#,
            ),
            (400, r#"{"error":{"message":"foo/bar is not a valid model ID","code":400},"user_id":"user_x"}"#),
            (
                400,
                r#"{"object":"error","message":"Invalid model: foo","type":"invalid_model","param":null,"code":"1500"}"#,
            ),
            (
                400,
                r#"{"error":{"message":"Model Not Exist","type":"invalid_request_error","code":"invalid_request_error"}}"#,
            ),
            (
                400,
                r#"{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, gpt-x."}}"#,
            ),
        ],
    );
}

#[test]
fn what_a_moderation_flags_is_refused_and_no_word_about_the_key() {
    let flagged = r#"{"error":{"code":403,"message":"Your chosen model requires moderation and your input was flagged","metadata":{"reasons":["violence"],"flagged_input":"secret"}}}"#;
    check_refusal(403, flagged, false, "lasting model_refused");
    check_refusal(403, r#"{"error":{"code":"content_policy_violation"}}"#, false, "lasting model_refused");
}

#[test]
fn the_token_limit_goes_by_the_name_that_the_server_takes() {
    let newer = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}"#;
    check_refusal(400, newer, false, "other limit");
    for older in [
        r#"{"error":{"message":"unknown field","param":"max_completion_tokens","code":"unknown_parameter"}}"#,
        r#"{"error":{"message":"Unrecognized request argument supplied: max_completion_tokens","code":null}}"#,
    ] {
        check_refusal(400, older, true, "other limit");
        check_refusal(400, older, false, "lasting model_refused");
    }
    let large = r#"{"error":{"message":"max_tokens is too large: 9000.","param":"max_tokens","code":null}}"#;
    check_refusal(400, large, false, "lasting model_refused");
    assert!(outcome(&sent(400, large), false).1.contains("MAX_TOKENS is too large"));
}

#[test]
fn a_picture_is_refused_in_many_words_and_not_every_refusal_is_the_pictures() {
    for (status, body, expect) in [
        (
            400,
            r#"{"error":{"code":"invalid_image_format","message":"You uploaded an unsupported image."}}"#,
            true,
        ),
        (400, r#"{"error":{"code":"image_parse_error"}}"#, true),
        (400, r#"{"error":{"param":"messages.[1].content.[1].type","code":null}}"#, true),
        // These servers do not know content parts at all.
        (422, r#"{"detail":[{"msg":"Input should be 'text'"}]}"#, true),
        (404, r#"{"error":{"message":"No endpoints found that support image input","code":404}}"#, true),
        (500, r#"{"error":{"message":"image input is not supported - hint: provide the mmproj"}}"#, true),
        (500, r#"{"error":{"code":500,"message":"Unsupported content part type: \"image_url\""}}"#, true),
        (413, "too large", true),
        (400, r#"{"error":{"code":"context_length_exceeded"}}"#, false),
        (400, r#"{"error":{"code":"unsupported_parameter","message":"Use max_completion_tokens"}}"#, false),
        (400, r#"{"error":{"code":"content_policy_violation"}}"#, false),
        (400, r#"{"error":{"code":"content_filter"}}"#, false),
        (400, r#"{"error":{"code":400,"type":"exceed_context_size_error","message":"x"}}"#, false),
        (400, r#"{"object":"error","message":"This model's maximum context length is 512 tokens"}"#, false),
        (400, r#"[{"error":{"message":"The input token count (9) exceeds the maximum number"}}]"#, false),
        (400, r#"{"error":{"message":"Model Not Exist"}}"#, false),
        (400, r#"{"error":{"code":"billing_hard_limit_reached"}}"#, false),
        (400, r#"{"error":{"code":"model_not_found"}}"#, false),
        (401, "{}", false),
        (429, "{}", false),
        (500, "{}", false),
    ] {
        let refuses = ErrorBody::of(body.as_bytes()).refuses_picture(StatusCode::from_u16(status).unwrap());
        assert_eq!(refuses, expect, "{status} {body}");
    }
}

#[test]
fn an_error_counts_by_its_own_code_and_words() {
    for (status, body, expect) in [
        (422, r#"{"error":{"type":"budget_exceeded","message":"x","code":"422"}}"#, "lasting model_quota"),
        (
            400,
            r#"{"error":{"type":"budget_exceeded","message":"Budget has been exceeded!","code":"400"}}"#,
            "lasting model_quota",
        ),
        (
            403,
            r#"{"code":"permission-denied","error":"Your team has used all available credits"}"#,
            "lasting model_quota",
        ),
        (
            429,
            r#"{"code":"x","error":"Your team reached its monthly spending limit."}"#,
            "lasting model_quota",
        ),
        (429, r#"{"error":{"message":"Your account balance is 0"}}"#, "lasting model_quota"),
        (400, r#"{"error":{"message":"A question about credits"}}"#, "lasting model_refused"),
        (
            429,
            r#"{"error":{"code":429,"message":"check your plan and billing details","details":[{"retryDelay":"33s"}]}}"#,
            "passing model_unavailable",
        ),
        (500, r#"{"error":{"code":402}}"#, "lasting model_quota"),
        (400, r#"{"error":{"code":"429","type":"None"}}"#, "passing model_unavailable"),
        (400, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, "passing model_unavailable"),
        (
            400,
            r#"{"error":{"message":"API key not valid. Please pass a valid API key."}}"#,
            "unauthorized model_auth",
        ),
        (403, "<html>Attention Required!</html>", "passing model_unavailable"),
        (
            429,
            r#"{"error":{"message":"No deployments available - crossed budget: Exceeded budget for provider openai","type":"internal_server_error","code":"429"}}"#,
            "lasting model_quota",
        ),
        (
            400,
            r#"{"error":{"message":"No connected db.","type":"no_db_connection","code":"400"}}"#,
            "unauthorized model_auth",
        ),
        (
            403,
            r#"{"error":{"message":"The requested model is not available for this API key","type":"key_model_access_denied","code":"403"}}"#,
            "lasting model_gone",
        ),
        (
            400,
            r#"{"error":{"message":"litellm.BadRequestError: There are no healthy deployments for this model","code":"400"}}"#,
            "lasting model_gone",
        ),
        (
            429,
            r#"{"error":{"message":"All deployments for selected model are in cooldown","type":"all_deployments_in_cooldown","code":"429"}}"#,
            "passing model_unavailable",
        ),
        (
            408,
            r#"{"error":{"message":"litellm.Timeout: model group 'x' failed","type":"invalid_request_error","code":"408"}}"#,
            "passing model_unavailable",
        ),
        (
            400,
            r#"{"error":{"message":"{'error': '/chat/completions: Invalid model name passed in model=x'}","type":"None","param":"None","code":"400"}}"#,
            "lasting model_gone",
        ),
        (
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#,
            "lasting model_gone",
        ),
        (404, r#"{"error":{"message":"model 'x' not found","type":"api_error"}}"#, "lasting model_gone"),
        (
            500,
            r#"{"error":{"code":500,"message":"Jinja Exception: System role not supported"}}"#,
            "other form",
        ),
        (
            400,
            r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"maximum context length\"}}"}}}"#,
            "context",
        ),
    ] {
        check_refusal(status, body, false, expect);
    }
}

#[test]
fn a_wrong_base_url_is_called_by_its_name() {
    for (status, body) in [
        (404, "<html>404 page not found</html>"),
        (404, "404 page not found"),
        (404, r#"{"detail":"Not Found"}"#),
        (
            404,
            r#"{"error":{"message":"Invalid URL (POST /v1/v1/chat/completions)","type":"invalid_request_error"}}"#,
        ),
        (405, "<html>Not Allowed</html>"),
        (308, ""),
    ] {
        let (outcome, detail) = outcome(&sent(status, body), false);
        assert_eq!(outcome, "lasting model_unavailable", "{status} {body}");
        assert!(detail.contains("OPENAI_BASE_URL"), "{detail}");
    }
}

#[test]
fn a_server_may_say_whether_a_retry_is_of_use() {
    for (status, should_retry, expect) in [
        (503, false, "lasting model_unavailable"),
        (429, false, "lasting model_unavailable"),
        (400, true, "passing model_unavailable"),
        (409, true, "passing model_unavailable"),
        (402, true, "lasting model_quota"),
    ] {
        let sent = Sent { should_retry: Some(should_retry), ..sent(status, "{}") };
        assert_eq!(outcome(&sent, false).0, expect, "{status} {should_retry}");
    }
}

#[test]
fn a_detail_names_the_code_or_else_the_type_and_the_request() {
    for (status, body, detail) in [
        (400, r#"{"error":{"code":"a_code","type":"a_type"}}"#, "status 400 a_code, request req_1"),
        (400, r#"{"error":{"code":400,"type":"a_type"}}"#, "status 400 a_type, request req_1"),
        (400, r#"{"error":{"code":"400","type":"a_type"}}"#, "status 400 a_type, request req_1"),
        (400, r#"{"error":{"code":null,"type":"a_type"}}"#, "status 400 a_type, request req_1"),
        (500, r#"{"error":{"code":402,"message":"x"}}"#, "status 500 402, request req_1"),
    ] {
        assert_eq!(outcome(&sent(status, body), false).1, detail);
    }
}
