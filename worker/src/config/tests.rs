#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config, EnvError> {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_env(&Env::of(pairs))
}

#[test]
fn personas_are_on_offer_where_the_operator_offers_them_or_has_no_character() {
    let pirate = r#"[{"name":"Pirate","prompt":"You are a pirate."}]"#;
    for (system_prompt, personas, offered) in [
        ("", "", Some(4)),
        ("be kind", "", None),
        ("be kind", pirate, Some(1)),
        ("be kind", "[]", Some(0)),
        ("be kind", "off", None),
        ("", pirate, Some(1)),
        ("", "off", None),
    ] {
        let config = read(&[("SYSTEM_PROMPT", system_prompt), ("PERSONAS", personas)]).unwrap();
        assert_eq!(config.personas.map(|it| it.0.len()), offered, "{system_prompt} {personas}");
    }
}

#[test]
fn an_instruction_comes_from_a_file_or_a_variable_and_leaves_room_for_a_conversation() {
    let path = std::env::temp_dir().join(format!("henji-prompt-{}.md", std::process::id()));
    let file = path.to_str().unwrap();
    let with = |text: &str, more: &[(&str, &str)]| {
        std::fs::write(&path, text).unwrap();
        read(&[&[("SYSTEM_PROMPT_FILE", file)], more].concat()).map_err(|error| error.to_string())
    };
    let menu = "営業時間は10時から。\n".repeat(6_000);
    let config = with(&menu, &[]).unwrap();
    assert_eq!((config.system_prompt.as_deref(), config.personas), (Some(menu.as_str()), None));
    for (text, more, why) in [
        (menu.repeat(2).as_str(), &[][..], "more than 200000 bytes"),
        (&menu, &[("SYSTEM_PROMPT", "be kind")], "SYSTEM_PROMPT is set, too"),
        (&menu, &[("CONTEXT_TOKENS", "20000")], "shorten it, or use a model with a larger context"),
        (&"word ".repeat(7_000), &[("CONTEXT_TOKENS", "12096")], "too little room for a conversation"),
    ] {
        let error = with(text, more).unwrap_err();
        assert!(error.starts_with("SYSTEM_PROMPT_FILE cannot be read") && error.contains(why), "{error}");
    }
    with(&"word ".repeat(5_500), &[("CONTEXT_TOKENS", "12096")]).unwrap();
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_character_and_a_persona_must_leave_room_for_a_question_together() {
    let words = "word ".repeat(60);
    let persona = format!(r#"[{{"name":"Pirate","prompt":"{words}"}}]"#);
    let room = [("CONTEXT_TOKENS", "200"), ("MAX_TOKENS", "100")];
    let with = |more: &[(&str, &str)]| read(&[&room, more].concat());
    assert!(with(&[("SYSTEM_PROMPT", &words)]).is_ok());
    assert!(with(&[("PERSONAS", &persona)]).is_ok(), "it replaces the built-in character");
    let error = with(&[("SYSTEM_PROMPT", &words), ("PERSONAS", &persona)]).unwrap_err().to_string();
    assert!(error.starts_with("PERSONAS cannot be read"), "{error}");
    assert!(with(&[("SYSTEM_PROMPT", &words), ("PERSONAS", "[]")]).is_ok());
}

#[test]
fn the_context_and_the_longest_answer_are_the_models_unless_the_operator_sets_them() {
    let tokens = |pairs: &[(&str, &str)]| {
        let budget = read(pairs).unwrap().model.budget;
        (budget.context_tokens, budget.max_tokens)
    };
    for (pairs, expected) in [
        // A prompt of 272,000 tokens at most, and the answer.
        (&[("GPT_MODEL", "gpt-5.4-mini")][..], (276_096, 4_096)),
        (&[("GPT_MODEL", "gpt-5.4-mini"), ("MAX_TOKENS", "200000")], (400_000, 200_000)),
        (&[("GPT_MODEL", "gpt-5.4-mini"), ("CONTEXT_TOKENS", "400000")], (400_000, 4_096)),
        (&[("GPT_MODEL", "claude-opus-5-5")], (1_000_000, 4_096)),
        (&[("GPT_MODEL", "gpt-4")], (8_192, 4_096)),
        (&[("GPT_MODEL", "llama3")], (32_768, 4_096)),
        (&[("GPT_MODEL", "llama3"), ("CONTEXT_TOKENS", "4096")], (4_096, 2_048)),
    ] {
        assert_eq!(tokens(pairs), expected, "{pairs:?}");
    }
}

#[test]
fn the_makers_prices_are_taken_where_the_operator_sets_none() {
    let priced = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = with_prices(Env::of(pairs));
        ["PROMPT_USD_PER_MILLION", "CACHED_USD_PER_MILLION", "COMPLETION_USD_PER_MILLION"]
            .map(|name| env.optional(name).unwrap().unwrap_or("").to_owned())
    };
    assert_eq!(priced(&[]), ["0.75", "0.075", "4.5"]);
    assert_eq!(
        priced(&[("GPT_MODEL", "claude-opus-5-5"), ("PROMPT_USD_PER_MILLION", "")]),
        ["4", "0.2", "20"]
    );
    assert_eq!(priced(&[("GPT_MODEL", "llama3")]), ["", "", ""]);
    // A cached price of the table beside the operator's own would be a mixture of two price lists.
    for name in ["PROMPT_USD_PER_MILLION", "CACHED_USD_PER_MILLION", "COMPLETION_USD_PER_MILLION"] {
        assert_eq!(priced(&[(name, "2")]).concat(), "2", "{name}");
    }
}

#[test]
fn the_end_of_a_model_is_its_makers_and_not_azures() {
    let end = |url: &str| read(&[("GPT_MODEL", "gpt-4o"), ("OPENAI_BASE_URL", url)]).unwrap().model.end;
    assert!(end("").is_some() && end("https://openrouter.ai/api/v1").is_some());
    assert_eq!(end("https://r.openai.azure.com/"), None);
}

#[test]
fn the_staff_are_a_user_or_a_group_of_line() {
    let digits = "0123456789abcdef0123456789abcdef";
    for (id, is_good) in [
        (format!("U{digits}"), true),
        (format!(" C{digits} "), true),
        (format!("R{digits}"), false),
        (format!("U{digits}0"), false),
        (digits.to_owned(), false),
        ("@staff".to_owned(), false),
        ("UC".to_owned(), false),
    ] {
        match read(&[("HANDOFF_TO", &id)]) {
            Ok(config) => assert!(is_good && config.handoff_to.is_some(), "{id}"),
            Err(error) => assert!(!is_good && error.to_string().contains("HANDOFF_TO"), "{id}: {error}"),
        }
    }
    assert_eq!(read(&[("HANDOFF_TO", "")]).unwrap().handoff_to, None);
}
