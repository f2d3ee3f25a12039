#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use reqwest::StatusCode;

use super::*;

use crate::{adapters::openai::form::Form, failure::RetryPolicy};

/// Returns the completion in this body of a request that asked for at most 100 tokens.
fn completion_of(body: &[u8], broken: bool) -> Result<Completion, ModelError> {
    let sent = Sent {
        status: StatusCode::OK,
        retry_after: None,
        should_retry: None,
        request_id: "req_1".to_owned(),
        body: body::unpacked(body.to_vec(), 1 << 20),
        broken: broken.then(|| "the connection broke".to_owned()),
        key: "sk-a-secret".to_owned().into(),
    };
    let asked = Asked {
        model: "m",
        form: Form::new(false),
        max_tokens: 100,
        has_picture: false,
        opens_thoughts: false,
    };
    completion(&sent, asked).map_err(Refusal::last)
}

#[test]
fn a_200_is_an_answer_only_if_the_model_wrote_something() {
    let of = |content: &str, finish: &str| {
        completion_of(
            format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":{finish}}}]}}"#)
                .as_bytes(),
            false,
        )
    };
    let whole = of(r#"" hi\n""#, r#""stop""#).unwrap();
    assert_eq!((whole.text.as_str(), whole.cut), ("hi", false));
    assert!(of(r#""hi""#, r#""length""#).unwrap().cut);
    assert!(!of(r#""hi""#, "null").unwrap().cut);
    // A filter cut this answer off: it did not reach the longest length.
    assert!(!of(r#""hi""#, r#""content_filter""#).unwrap().cut);
    assert_eq!(of(r#""hi""#, "1").unwrap().text, "hi");
    for usage in ["null", "[]", r#"{"prompt_tokens":1.5}"#] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{usage}}}"#);
        assert_eq!(completion_of(body.as_bytes(), false).unwrap().text, "hi");
    }
    assert!(matches!(of("null", r#""length""#), Err(ModelError::NothingWithinLimit)));
    for (content, finish, lasting) in
        [(r#""""#, r#""stop""#, false), ("null", "null", false), (r#"" ""#, r#""content_filter""#, true)]
    {
        let Err(ModelError::Unusable(failure)) = of(content, finish) else { panic!("{content}") };
        assert_eq!(failure.retry == RetryPolicy::Never, lasting, "{content} {finish}");
    }
    for body in ["", "<html>", "null", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{}]}"#] {
        let Err(ModelError::Unusable(failure)) = completion_of(body.as_bytes(), false) else {
            panic!("{body}")
        };
        assert_eq!(failure.retry, RetryPolicy::Retry(None), "{body}");
    }
    // OpenRouter: the provider stopped in the middle of the answer.
    let Err(ModelError::Unusable(failure)) = of(r#""half an ans""#, r#""error""#) else { panic!() };
    assert_eq!(failure.retry, RetryPolicy::Retry(None));
    let refused = br#"{"choices":[{"message":{"content":null,"refusal":"secret"},"finish_reason":"stop"}]}"#;
    let Err(ModelError::Unusable(failure)) = completion_of(refused, false) else { panic!() };
    assert_eq!(failure.reason, Reason::ModelRefused);
}

#[test]
fn what_was_written_may_come_in_parts_after_a_thought_or_with_half_a_character() {
    for (content, finish, text) in [
        (r#"[{"type":"text","text":"from "},{"type":"text","text":"parts"}]"#, "stop", "from parts"),
        (
            r#"[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"Hello"}]"#,
            "stop",
            "Hello",
        ),
        (r#""lone \ud800 half""#, "stop", "lone \u{fffd}\u{fffd}\u{fffd} half"),
        (r#""<think>\nlet me see\n</think>\n\nHello""#, "stop", "Hello"),
        (r#""say `<think>x</think>`""#, "stop", "say `<think>x</think>`"),
    ] {
        let body =
            format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"{finish}"}}]}}"#);
        assert_eq!(completion_of(body.as_bytes(), false).unwrap().text, text, "{content}");
    }
    for content in [r#"[{"type":"thinking","thinking":[]}]"#, r#""<think>and so on and""#] {
        let body =
            format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"length"}}]}}"#);
        assert!(
            matches!(completion_of(body.as_bytes(), false), Err(ModelError::NothingWithinLimit)),
            "{content}"
        );
    }
}

#[test]
fn no_count_is_larger_than_its_sums_can_bear() {
    let most = u64::MAX;
    let usage = format!(
        r#"{{"prompt_tokens":{most},"completion_tokens":9000000000000000000,"prompt_tokens_details":{{"cached_tokens":{most},"cache_write_tokens":{most}}}}}"#
    );
    let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{usage}}}"#);
    let tokens = completion_of(body.as_bytes(), false).unwrap().tokens;
    let most = u32::MAX.into();
    assert_eq!(tokens, Tokens { prompt: most, cached: most, cache_written: most, completion: most });
}

/// Returns a chunk of a stream with this text.
fn chunk(text: &str, finish: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}"#)
}

#[test]
fn an_answer_is_read_in_each_form_of_a_body() {
    let json = r#"{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}"#;
    let (begin, end) = (chunk("hel", "null"), chunk("lo", r#""stop""#));
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    for body in [
        json.to_owned(),
        format!("\u{feff}{json}"),
        format!("\r\n \t{json}\n"),
        format!(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n{json}"),
        format!("{json}\n\ndata: [DONE]\n\n"),
        format!("{json}{json}"),
        format!("data: {begin}\n\ndata: {end}\n\ndata: [DONE]\n\n"),
        format!("data: {begin}\n\ndata: {end}\n\ndata: {usage}\n\n"),
        format!("data:{begin}\r\n\r\ndata:{end}\r\n\r\ndata:[DONE]\r\n\r\n"),
        format!(": keep-alive\n\nid: 1\nevent: chunk\ndata: {begin}\n\n: keep-alive\n\ndata: {end}\n\n"),
        // No blank lines; and one chunk in two lines of data.
        format!("data: {begin}\ndata: {end}\ndata: [DONE]\n"),
        format!("data: {}\r\ndata: {}\r\n\r\ndata: {end}\r\n\r\n", &begin[..11], &begin[11..]),
        // The last event is the whole message.
        format!("data: {begin}\n\ndata: {end}\n\ndata: {json}\n\ndata: [DONE]\n\n"),
        format!("data: {json}\n\ndata: [DONE]\n\n"),
    ] {
        let answer = completion_of(body.as_bytes(), false).unwrap();
        assert_eq!((answer.text.as_str(), answer.cut), ("hello", false), "{body}");
    }
    let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, json.as_bytes()).unwrap();
    assert_eq!(completion_of(&gzip.finish().unwrap(), false).unwrap().text, "hello");
    let streamed = format!("data: {begin}\n\ndata: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    assert_eq!(completion_of(streamed.as_bytes(), false).unwrap().tokens.total(), 5);
}

#[test]
fn a_stream_that_breaks_off_after_text_is_a_cut_answer() {
    let (begin, more) = (chunk("half ", "null"), chunk("an ans", "null"));
    for (body, broken) in [
        (format!("data: {begin}\n\ndata: {more}\n\n"), true),
        (format!("data: {begin}\n\ndata: {more}\n\n"), false),
        (format!("data: {begin}\n\ndata: {more}\n\ndata: {{\"choi"), true),
    ] {
        let answer = completion_of(body.as_bytes(), broken).unwrap();
        assert_eq!((answer.text.as_str(), answer.cut), ("half an ans", true), "{body}");
    }
    for (body, detail) in [
        (": PROCESSING\n\ndata: {\"choi", "the connection broke"),
        (r#"{"choices":[{"message":{"content":"half an"#, "the connection broke"),
    ] {
        let Err(ModelError::Unusable(failure)) = completion_of(body.as_bytes(), true) else {
            panic!("{body}")
        };
        assert!(failure.detail.contains(detail) && failure.retry != RetryPolicy::Never, "{}", failure.detail);
    }
}

#[test]
fn each_word_for_the_end_has_its_meaning() {
    for (finish, text, expect) in [
        ("length", "hi", "cut"),
        ("model_length", "hi", "cut"),
        ("MAX_TOKENS", "hi", "cut"),
        ("model_length", "", "nothing within the limit"),
        ("SAFETY", "", "model_refused: status 200, but"),
        ("RECITATION", "", "model_refused"),
        ("content_filter", "", "model_refused"),
        ("insufficient_system_resource", "half an ans", "broke off: insufficient_system_resource"),
        ("error", "half an ans", "broke off: error"),
        ("a new word", "hi", "whole"),
        ("new_word", "hi", "whole"),
        ("new_word", "", "empty: new_word"),
        ("tool_calls", "", "empty: tool_calls"),
        ("some words of a person", "", "empty: ?"),
    ] {
        let body =
            serde_json::json!({ "choices": [{ "message": { "content": text }, "finish_reason": finish }] });
        let is = match completion_of(body.to_string().as_bytes(), false) {
            Ok(answer) => if answer.cut { "cut" } else { "whole" }.to_owned(),
            Err(ModelError::NothingWithinLimit) => "nothing within the limit".to_owned(),
            Err(error) => {
                let failure = error.failure().unwrap();
                format!("{}: status 200, but {}", failure.reason.as_str(), failure.detail)
            }
        };
        assert!(is.contains(expect), "{finish}: {is}");
    }
}

#[test]
fn an_error_within_a_200_counts_as_what_it_is() {
    for (body, expect) in [
        (r#"{"error":{"code":402,"message":"Insufficient credits."}}"#, "model_quota Never"),
        (r#"{"error":{"code":"502","message":"x"}}"#, "model_unavailable Retry"),
        (r#"{"error":{"type":"overloaded_error","message":"x"}}"#, "model_unavailable Retry"),
        (r#"{"error":{"message":"something"}}"#, "model_unavailable Retry"),
        (r#"{"error":{"code":401,"message":"x"}}"#, "model_auth Never"),
        (r#"{"object":"error","message":"The model `x` does not exist."}"#, "model_gone Never"),
        (r#"{"choices":[{"message":{"content":"half"},"error":{"code":502}}]}"#, "model_unavailable Retry"),
        (r#"data: {"error":{"code":402,"message":"x"}}"#, "model_quota Never"),
        ("<!doctype html><title>Sign in</title>", "model_unavailable Retry"),
        (r#"{"choices":[{"message":{"content":"a"},"logprobs":NaN}]}"#, "model_unavailable Retry"),
        (r#"{"choices":[{"message":{"content":"a","content":"b"}}]}"#, "model_unavailable Retry"),
    ] {
        let error = completion_of(body.as_bytes(), false).unwrap_err();
        let failure = error.failure().unwrap();
        let retry = if failure.retry == RetryPolicy::Never { "Never" } else { "Retry" };
        assert_eq!(format!("{} {retry}", failure.reason.as_str()), expect, "{body}");
    }
    let detail =
        |body: &str| completion_of(body.as_bytes(), false).unwrap_err().failure().unwrap().detail.clone();
    assert!(detail(r#"{"choices":[{"message":{"content":"a","content":"b"}}]}"#).contains("no JSON"));
    assert!(detail("<html>").contains("HTML") && detail("<html>").contains("OPENAI_BASE_URL"));
    let long = r#"{"error":{"message":"This model's maximum context length is 8192 tokens"}}"#;
    assert!(matches!(completion_of(long.as_bytes(), false), Err(ModelError::ContextLength(Some(8_192)))));
}
