#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

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
    // A filter cut this answer off: it did not reach the longest length.
    assert!(!of(r#""hi""#, r#""content_filter""#).unwrap().cut);
    assert_eq!(of(r#""hi""#, "1").unwrap().text, "hi");
    for usage in ["null", "[]", r#"{"prompt_tokens":1.5}"#] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{usage}}}"#);
        assert_eq!(completion(body.as_bytes(), "req_1").unwrap().text, "hi");
    }
    assert!(matches!(of("null", r#""length""#), Err(ModelError::NothingWithinLimit)));
    for (content, finish, lasting) in
        [(r#""""#, r#""stop""#, false), ("null", "null", false), (r#"" ""#, r#""content_filter""#, true)]
    {
        let Err(ModelError::Unusable(failure)) = of(content, finish) else { panic!("{content}") };
        assert_eq!(failure.retry == RetryPolicy::Never, lasting, "{content} {finish}");
    }
    for body in ["", "<html>", "null", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{}]}"#] {
        let Err(ModelError::Unusable(failure)) = completion(body.as_bytes(), "req_1") else {
            panic!("{body}")
        };
        assert_eq!(failure.retry, RetryPolicy::Retry(None), "{body}");
    }
    // OpenRouter: the provider stopped in the middle of the answer.
    let Err(ModelError::Unusable(failure)) = of(r#""half an ans""#, r#""error""#) else { panic!() };
    assert_eq!(failure.retry, RetryPolicy::Retry(None));
    let refused = br#"{"choices":[{"message":{"content":null,"refusal":"secret"},"finish_reason":"stop"}]}"#;
    let Err(ModelError::Unusable(failure)) = completion(refused, "req_1") else { panic!() };
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
        (r#""say <think>x</think>""#, "stop", "say <think>x</think>"),
        (r#""<think> begins a thought""#, "stop", "<think> begins a thought"),
    ] {
        let body =
            format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"{finish}"}}]}}"#);
        assert_eq!(completion(body.as_bytes(), "req_1").unwrap().text, text, "{content}");
    }
    for content in [r#"[{"type":"thinking","thinking":[]}]"#, r#""<think>and so on and""#] {
        let body =
            format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"length"}}]}}"#);
        assert!(matches!(completion(body.as_bytes(), ""), Err(ModelError::NothingWithinLimit)), "{content}");
    }
}

#[test]
fn no_count_is_larger_than_its_sums_can_bear() {
    let most = u64::MAX;
    let usage = format!(
        r#"{{"prompt_tokens":{most},"completion_tokens":9000000000000000000,"prompt_tokens_details":{{"cached_tokens":{most},"cache_write_tokens":{most}}}}}"#
    );
    let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{usage}}}"#);
    let tokens = completion(body.as_bytes(), "req_1").unwrap().tokens;
    let most = u32::MAX.into();
    assert_eq!(tokens, Tokens { prompt: most, cached: most, cache_written: most, completion: most });
}
