//! The specifications of every request of the bot: LINE's and OpenAI's own OpenAPI files.

use std::{collections::HashMap, sync::LazyLock};

use emulator::{
    faults::Seen,
    line::{LOADING, MARK_AS_READ, PUSH, REPLY},
};
use jsonschema::Validator;
use serde_json::{Value, json};

static VALIDATORS: LazyLock<HashMap<&'static str, Validator>> = LazyLock::new(|| {
    let line = LINE.clone();
    let openai = read(include_str!("../../fixtures/specs/chat-completions.yml"));
    [
        (PUSH, validator(&line, "PushMessageRequest")),
        (REPLY, validator(&line, "ReplyMessageRequest")),
        (LOADING, validator(&line, "ShowLoadingAnimationRequest")),
        (MARK_AS_READ, validator(&line, "MarkMessagesAsReadByTokenRequest")),
        ("TextMessage", validator(&line, "TextMessage")),
        ("/v1/chat/completions", validator(&openai, "CreateChatCompletionRequest")),
    ]
    .into()
});

/// Checks one call with LINE's specification: an accepted request has the specified form, and so has the answer for
/// its status.
pub fn check_call(method: &str, path: &str, request: Option<&Value>, status: u16, answer: &Value) {
    let operation = &LINE["paths"][path][method];
    assert!(operation.is_object(), "{method} {path} is no operation of LINE's");
    let schema = |content: &Value| content["application/json"]["schema"].clone();
    let is_accepted = (200..300).contains(&status);
    if let Some(request) = request {
        let form = schema(&operation["requestBody"]["content"]);
        let problems = problems_of(&LINE, &form, request);
        assert!(problems.is_empty() || !is_accepted, "accepted against the specification: {problems:?}");
    }
    let specified = &operation["responses"][status.to_string()];
    assert!(specified.is_object() || !is_accepted, "{method} {path} never answers {status}");
    let form = match schema(&specified["content"]) {
        Value::Null if is_accepted => return,
        Value::Null => json!({ "$ref": "#/components/schemas/ErrorResponse" }),
        form => form,
    };
    let problems = problems_of(&LINE, &form, answer);
    assert!(problems.is_empty(), "{method} {path} {status} {answer}: {problems:?}");
}

static LINE: LazyLock<Value> = LazyLock::new(|| read(include_str!("../../fixtures/specs/messaging-api.yml")));

fn problems_of(spec: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let document = json!({ "allOf": [schema], "components": spec["components"] });
    let validator = jsonschema::draft202012::new(&document).expect("the schema is valid");
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn read(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).expect("the specification is YAML")
}

static WEBHOOK: LazyLock<Value> = LazyLock::new(|| read(include_str!("../../fixtures/specs/webhook.yml")));

/// Asserts that LINE could post this event.
pub fn check_event(event: &Value) {
    check_webhook_part("Event", event);
    check_webhook_part("Source", &event["source"]);
    if event["message"].is_object() {
        check_message(&event["message"]);
    }
}

/// Asserts that LINE could post this message.
pub fn check_message(message: &Value) {
    check_webhook_part("MessageContent", message);
    for mentionee in message["mention"]["mentionees"].as_array().into_iter().flatten() {
        check_webhook_part("Mentionee", mentionee);
    }
}

/// Checks a part by its own type, because the validator does not follow LINE's discriminators.
fn check_webhook_part(schema: &str, part: &Value) {
    let kind = part["type"].as_str().unwrap_or_default();
    let reference = &WEBHOOK["components"]["schemas"][schema]["discriminator"]["mapping"][kind];
    assert!(reference.is_string(), "{kind} is no {schema} of LINE's");
    let problems = problems_of(&WEBHOOK, &json!({ "$ref": reference }), part);
    assert!(problems.is_empty(), "{part}: {problems:?}");
}

/// Asserts that LINE has a GET call with this path, or that it is the list of models (OpenAI, "List models").
fn check_get(seen: &Seen) {
    if seen.path == "/v1/models" {
        return;
    }
    let parts: Vec<&str> = seen.path.split('/').collect();
    let is_it = |template: &str| {
        let names: Vec<&str> = template.split('/').collect();
        names.len() == parts.len()
            && names.iter().zip(&parts).all(|(name, part)| name.starts_with('{') || name == part)
    };
    let paths = LINE["paths"].as_object().expect("LINE has paths");
    let is_known =
        paths.iter().any(|(template, operations)| is_it(template) && operations["get"].is_object());
    assert!(is_known, "{} is no path of LINE's", seen.path);
}

/// Returns the validator of one schema; OpenAPI keeps them all under `components`.
fn validator(spec: &Value, schema: &str) -> Validator {
    let document =
        json!({ "$ref": format!("#/components/schemas/{schema}"), "components": spec["components"] });
    jsonschema::draft202012::new(&document).expect("the schema is valid")
}

pub fn problems(path: &str, body: &Value) -> Vec<String> {
    let Some(validator) = VALIDATORS.get(path) else {
        return vec![format!("{path} is no path of the specifications")];
    };
    validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Asserts that LINE's or OpenAI's specification allows this request.
pub fn check(seen: &Seen) {
    assert!(seen.headers["authorization"].starts_with("Bearer "), "{}", seen.path);
    if seen.body.is_null() {
        return check_get(seen);
    }
    if seen.path.ends_with("/audio/transcriptions") {
        return check_voice(seen);
    }
    let mut problems = problems(&seen.path, &seen.body);
    // The validator does not follow LINE's discriminator, so each message is checked by its type.
    for message in
        seen.body["messages"].as_array().into_iter().flatten().filter(|_| seen.path.starts_with("/v2"))
    {
        assert_eq!(message["type"], "text");
        problems.extend(self::problems("TextMessage", message));
    }
    assert!(problems.is_empty(), "{}: {problems:?}", seen.path);
    assert_eq!(seen.headers["content-type"], "application/json", "{}", seen.path);
}

/// Asserts that OpenAI would take this recording. OpenAI specifies the form's fields, of which these are required.
fn check_voice(seen: &Seen) {
    assert!(seen.headers["content-type"].starts_with("multipart/form-data; boundary="), "{:?}", seen.headers);
    assert!(seen.body["model"].is_string() && seen.body["file"]["bytes"].is_u64(), "{}", seen.body);
}

#[test]
fn the_specifications_refuse_what_line_and_openai_would_refuse() {
    let text = json!({ "type": "text", "text": "hi" });
    assert!(problems(PUSH, &json!({ "to": "U1", "messages": [text] })).is_empty());
    for bad in [json!({}), json!({ "to": "U1", "messages": [] }), json!({ "messages": [text] })] {
        assert!(!problems(PUSH, &bad).is_empty(), "{bad}");
    }
    assert!(!problems("TextMessage", &json!({ "type": "text" })).is_empty());
    for (field, bad) in [
        ("sender", json!({ "name": "more than twenty letters" })),
        ("quickReply", json!({ "items": vec![json!({ "type": "action" }); 14] })),
        ("quoteToken", json!(5)),
    ] {
        assert!(!problems("TextMessage", &json!({ "type": "text", "text": "hi", field: bad })).is_empty());
    }
    assert!(!problems(LOADING, &json!({ "loadingSeconds": 5 })).is_empty());
    assert!(!problems(MARK_AS_READ, &json!({ "chat": { "userId": "U1" } })).is_empty());
    let ask =
        |content: Value| json!({ "model": "gpt-4", "messages": [{ "role": "user", "content": content }] });
    assert!(problems("/v1/chat/completions", &ask("hi".into())).is_empty());
    for bad in [json!({}), json!({ "model": "gpt-4" }), ask(5.into())] {
        assert!(!problems("/v1/chat/completions", &bad).is_empty(), "{bad}");
    }
}
