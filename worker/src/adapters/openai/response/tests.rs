#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

fn check_refusal(status: u16, body: &str, newer: bool, expect: &str) {
    let sent = Sent {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: None,
        request_id: "req_1".to_owned(),
        body: body.as_bytes().to_vec(),
    };
    let refusal = refusal(&sent, &ErrorBody::of(&sent.body), newer);
    let got = match &refusal {
        Refusal::OtherLimit => "other limit".to_owned(),
        Refusal::Error(ModelError::ContextLength) => "context".to_owned(),
        Refusal::Error(ModelError::Unauthorized(f)) => format!("unauthorized {}", f.reason.as_str()),
        Refusal::Error(ModelError::Failed(f)) => {
            let remedy = if f.remedy == Remedy::None { "lasting" } else { "passing" };
            assert!(!f.detail.contains("secret"), "{}", f.detail);
            format!("{remedy} {}", f.reason.as_str())
        }
        Refusal::Error(ModelError::NothingWithinLimit | ModelError::NotSeen) => panic!("not from a status"),
    };
    assert_eq!(got, expect, "{status} {body}");
}

#[test]
fn every_error_status_has_its_typed_outcome() {
    let check = |status, body, expect| check_refusal(status, body, false, expect);
    for status in [408, 429, 500, 502, 503, 504, 529] {
        check(status, "", "passing model_unavailable");
    }
    check(429, r#"{"error":{"message":"secret","code":"rate_limit_exceeded"}}"#, "passing model_unavailable");
    check(429, r#"{"error":{"code":"insufficient_quota"}}"#, "lasting model_quota");
    check(429, r#"{"error":{"type":"insufficient_quota","code":null}}"#, "lasting model_quota");
    check(401, r#"{"error":{"code":"invalid_api_key"}}"#, "unauthorized model_auth");
    check(403, "secret", "lasting model_auth");
    check(404, r#"{"error":{"code":"model_not_found"}}"#, "lasting model_gone");
    check(404, "", "lasting model_gone");
    check(400, r#"{"error":{"code":"model_not_found"}}"#, "lasting model_gone");
    check(400, r#"{"error":{"code":"secret words that a server wrote"}}"#, "lasting model_refused");
    check(400, r#"{"error":{"code":400,"message":"secret"}}"#, "lasting model_refused");
    check(422, "[]", "lasting model_refused");
    check(301, "", "passing model_unavailable");
    check(403, r#"{"error":{"code":"model_not_found"}}"#, "lasting model_gone");
    check(400, r#"{"error":{"code":"context_length_exceeded"}}"#, "context");
    let local = r#"{"error":{"message":"This model's maximum context length is 8192 tokens","code":400}}"#;
    check(400, local, "context");
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
}

#[test]
fn a_200_is_an_answer_only_if_the_model_wrote_something() {
    let of = |content: &str, finish: &str| {
        completion(
            format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":{finish}}}]}}"#)
                .as_bytes(),
            "req_1",
        )
    };
    let whole = of(r#"" hi\n""#, r#""stop""#).unwrap();
    assert_eq!((whole.text.as_str(), whole.cut), ("hi", false));
    assert!(of(r#""hi""#, r#""length""#).unwrap().cut);
    assert!(!of(r#""hi""#, "null").unwrap().cut);
    for usage in ["null", "[]", r#"{"prompt_tokens":1.5}"#] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{usage}}}"#);
        assert_eq!(completion(body.as_bytes(), "req_1").unwrap().text, "hi");
    }
    assert!(matches!(of("null", r#""length""#), Err(ModelError::NothingWithinLimit)));
    for (content, finish, lasting) in
        [(r#""""#, r#""stop""#, false), ("null", "null", false), (r#"" ""#, r#""content_filter""#, true)]
    {
        let Err(ModelError::Failed(failure)) = of(content, finish) else { panic!("{content}") };
        assert_eq!(failure.remedy == Remedy::None, lasting, "{content} {finish}");
    }
    for body in ["", "<html>", "null", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{}]}"#] {
        let Err(ModelError::Failed(failure)) = completion(body.as_bytes(), "req_1") else { panic!("{body}") };
        assert_eq!(failure.remedy, Remedy::Retry(None), "{body}");
    }
    let refused = br#"{"choices":[{"message":{"content":null,"refusal":"secret"},"finish_reason":"stop"}]}"#;
    let Err(ModelError::Failed(failure)) = completion(refused, "req_1") else { panic!() };
    assert_eq!(failure.reason, Reason::ModelRefused);
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
        // Servers that know no content parts at all.
        (422, r#"{"detail":[{"msg":"Input should be 'text'"}]}"#, true),
        (404, r#"{"error":{"message":"No endpoints found that support image input","code":404}}"#, true),
        (500, r#"{"error":{"message":"image input is not supported - hint: provide the mmproj"}}"#, true),
        (500, r#"{"error":{"code":500,"message":"Unsupported content part type: \"image_url\""}}"#, true),
        (413, "too large", true),
        (400, r#"{"error":{"code":"context_length_exceeded"}}"#, false),
        (400, r#"{"error":{"code":"unsupported_parameter","message":"Use max_completion_tokens"}}"#, false),
        (400, r#"{"error":{"code":"content_policy_violation"}}"#, false),
        (400, r#"{"error":{"code":"content_filter"}}"#, false),
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
fn no_count_is_larger_than_its_sums_can_bear() {
    let usage =
        format!(r#"{{"prompt_tokens":{},"completion_tokens":{}}}"#, u64::MAX, 9_000_000_000_000_000_000_u64);
    let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{usage}}}"#);
    let tokens = completion(body.as_bytes(), "req_1").unwrap().tokens;
    assert_eq!((tokens.prompt, tokens.completion), (u32::MAX.into(), u32::MAX.into()));
}
