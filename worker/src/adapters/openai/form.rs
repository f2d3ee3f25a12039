//! The form of requests that a server takes, as its refusals show it. Pure.
//!
//! Servers that speak the chat-completions API differ: in the name and the highest value of the token limit, in the
//! roles that the model's template knows, and in optional fields. A refusal that names one of them leads to the same
//! request in another form, and the form that was accepted is kept for the process.

use std::borrow::Cow;

use super::error::ErrorBody;
use crate::rules::conversation::{Message, Role};

/// The words for a template without a system role: of Gemma on vLLM and llama.cpp, of Google's server, of others.
const NO_SYSTEM: [&str; 9] = [
    "unexpected role system",
    "use a valid role: user",
    "system role not supported",
    "system role is not supported",
    "system messages are not supported",
    "does not support system",
    "developer instruction is not enabled",
    "unexpected role: system",
    "only user and assistant roles",
];
/// The words for a template in which questions and answers must alternate: of Gemma, Llama 2 and Mistral.
const ALTERNATE: [&str; 4] =
    ["roles must alternate", "must alternate between", "should alternate", "be alternating"];
/// The optional fields that Henji itself adds.
const OPTIONAL: [&str; 2] = ["prompt_cache_key", "safety_identifier"];

/// The form of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a difference between servers of its own")]
pub(super) struct Form {
    /// Whether the token limit is called `max_completion_tokens` instead of `max_tokens`.
    pub(super) completion_limit: bool,
    /// The highest token limit.
    pub(super) output_limit: Option<usize>,
    /// Whether the instruction is a part of the first question, because there is no system role.
    pub(super) instruction_in_question: bool,
    /// Whether messages of one role that follow each other become one message.
    pub(super) merges_neighbours: bool,
    /// Whether requests have the optional fields.
    pub(super) has_optional_fields: bool,
}

impl Form {
    /// Returns the form before any refusal.
    pub(super) fn new(completion_limit: bool) -> Self {
        Self {
            completion_limit,
            output_limit: None,
            instruction_in_question: false,
            merges_neighbours: false,
            has_optional_fields: true,
        }
    }

    /// Returns the highest token limit of a request that may ask for `max_tokens`.
    pub(super) fn limit(&self, max_tokens: usize) -> usize {
        self.output_limit.map_or(max_tokens, |most| most.min(max_tokens))
    }

    /// Returns the form to try after a refusal of this form, in which the request asked for `max_tokens`. Returns `None`
    /// if the refusal is about something else.
    pub(super) fn after(self, error: &ErrorBody, max_tokens: usize) -> Option<Self> {
        let names = |field: &str| error.is_about(field) || error.says(&[field]);
        if self.has_optional_fields && OPTIONAL.iter().any(|field| names(field)) {
            return Some(Self { has_optional_fields: false, ..self });
        }
        if error.says(&ALTERNATE) && !self.merges_neighbours {
            return Some(Self { merges_neighbours: true, ..self });
        }
        // A template that lets roles alternate from the first message on has no room for a system message.
        if (error.says(&NO_SYSTEM) || error.says(&ALTERNATE)) && !self.instruction_in_question {
            return Some(Self { instruction_in_question: true, ..self });
        }
        if let Some(most) = self.highest_limit(error, max_tokens) {
            return Some(Self { output_limit: Some(most), ..self });
        }
        let name = if self.completion_limit { "max_completion_tokens" } else { "max_tokens" };
        (names(name) && !error.is_about_size())
            .then_some(Self { completion_limit: !self.completion_limit, ..self })
    }

    /// Returns the highest token limit that an error names for a request that asked for `max_tokens`.
    fn highest_limit(self, error: &ErrorBody, max_tokens: usize) -> Option<usize> {
        if !error.is_about_limit() {
            return None;
        }
        error.highest(self.limit(max_tokens))
    }

    /// Returns the messages in this form.
    pub(super) fn shaped<'a>(&self, messages: &'a [Message]) -> Cow<'a, [Message]> {
        if !self.instruction_in_question && !self.merges_neighbours {
            return messages.into();
        }
        let mut shaped: Vec<Message> = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            let mut message = message.clone();
            if self.instruction_in_question && message.role == Role::System {
                message.role = Role::User;
            }
            let follows_instruction = self.instruction_in_question && index == 1;
            match shaped.last_mut() {
                Some(last)
                    if last.role == message.role && (self.merges_neighbours || follows_instruction) =>
                {
                    last.content.extend(["\n\n", &message.content]);
                }
                _ => shaped.push(message),
            }
        }
        shaped.into()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::rules::message_kind::MessageKind;

    fn after(form: Form, message: &str) -> Option<Form> {
        let body = serde_json::json!({ "error": { "message": message, "code": 400 } }).to_string();
        form.after(&ErrorBody::of(body.as_bytes()), 9_000)
    }

    #[test]
    fn a_refusal_leads_to_the_form_that_it_asks_for() {
        let form = Form::new(false);
        let newer = Form { completion_limit: true, ..form };
        let folded = Form { instruction_in_question: true, ..form };
        let merged = Form { merges_neighbours: true, ..form };
        for (form, message, next) in [
            (form, "System role not supported", Some(folded)),
            (form, "Developer instruction is not enabled for models/gemma-3-27b-it", Some(folded)),
            (folded, "System role not supported", None),
            (form, "Conversation roles must alternate user/assistant/user/assistant/...", Some(merged)),
            (
                merged,
                "Conversation roles must alternate user/assistant/user/assistant/...",
                Some(Form { instruction_in_question: true, ..merged }),
            ),
            (form, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", Some(newer)),
            (newer, "Unrecognized request argument supplied: max_completion_tokens", Some(form)),
            (
                form,
                "Unrecognized request argument supplied: safety_identifier",
                Some(Form { has_optional_fields: false, ..form }),
            ),
            (form, "Unrecognized request argument supplied: reasoning_effort", None),
            (form, "max_tokens is too large", None),
        ] {
            assert_eq!(after(form, message), next, "{message}");
        }
    }

    #[test]
    fn the_highest_limit_is_the_one_that_the_error_names() {
        for (message, most) in [
            (
                "max_tokens is too large: 9000. This model supports at most 512 completion tokens, whereas you provided 9000.",
                512,
            ),
            ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8_192),
            (
                "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model",
                8_192,
            ),
            (
                "max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-haiku-20241022",
                8_192,
            ),
            ("max_completion_tokens must not exceed 4,096", 4_096),
        ] {
            assert_eq!(after(Form::new(false), message).unwrap().output_limit, Some(most), "{message}");
        }
        // The limit is known to be no higher.
        let known = Form { output_limit: Some(512), ..Form::new(false) };
        assert_eq!(after(known, "max_tokens is too large: at most 512"), None);
    }

    #[test]
    fn messages_take_the_form_that_a_template_knows() {
        use Role::{Assistant, System, User};
        let message = |(role, content): (Role, &str)| Message {
            role,
            content: content.to_owned(),
            kind: MessageKind::Text,
            speaker: None,
        };
        let folded = Form { instruction_in_question: true, ..Form::new(false) };
        let merged = Form { merges_neighbours: true, ..Form::new(false) };
        let both = Form { merges_neighbours: true, ..folded };
        let plain = [(System, "s"), (User, "a"), (User, "b"), (Assistant, "c"), (User, "d")];
        for (form, messages, shaped) in [
            (Form::new(false), &plain[..], &plain[..]),
            (folded, &plain, &[(User, "s\n\na"), (User, "b"), (Assistant, "c"), (User, "d")]),
            (merged, &plain, &[(System, "s"), (User, "a\n\nb"), (Assistant, "c"), (User, "d")]),
            (both, &plain, &[(User, "s\n\na\n\nb"), (Assistant, "c"), (User, "d")]),
            // The window begins with an answer, because its question was unsent.
            (
                both,
                &[(System, "s"), (Assistant, "c"), (User, "d")],
                &[(User, "s"), (Assistant, "c"), (User, "d")],
            ),
        ] {
            let messages: Vec<_> = messages.iter().copied().map(message).collect();
            let is: Vec<_> = form.shaped(&messages).iter().map(|m| (m.role, m.content.clone())).collect();
            let expected: Vec<_> = shaped.iter().map(|(role, text)| (*role, (*text).to_owned())).collect();
            assert_eq!(is, expected, "{form:?}");
        }
    }
}
