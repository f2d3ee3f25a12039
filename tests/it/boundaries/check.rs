//! The rules that hold at the end of every story, at whichever boundary the fault was.

use emulator::{
    line::{Line, REPLY, Sent},
    model::Model,
};

use super::{
    gate::Gate,
    store::Store,
    stories::{Ends, Story},
};
use crate::handoff::STAFF;

/// Returns the rules that are broken.
pub async fn check(story: &Story, line: &Line, model: &Model, gate: &Gate, kept: &Store) -> Vec<String> {
    let mut wrong = vec![];
    let mut must = |what: &str, is_so: bool, seen: &dyn std::fmt::Debug| {
        if !is_so {
            wrong.push(format!("not so: {what}, but {seen:?}"));
        }
    };
    let sent = line.sent();
    let said: Vec<&str> = sent.iter().flat_map(|sent| &sent.texts).map(String::as_str).collect();
    let (messages, unfinished, letters) =
        (kept.messages().await, kept.unfinished().await, kept.letters().await);
    let of = |role: &str| -> Vec<&str> {
        messages.iter().filter(|[_, of, _]| of == role).map(|[_, _, content]| content.as_str()).collect()
    };

    let asked = model.asked().len();
    let at_once = conversations(&messages).count().max(1);
    must("no more questions than one too many of each", asked <= story.asks + at_once, &asked);
    must("what is stored is not paid for again", gate.paid_twice().is_empty(), &gate.paid_twice());
    must("every question is kept once", of("user") == story.kept, &messages);
    let told: Vec<_> =
        letters.iter().map(|letter| (letter["reason"].clone(), letter["state"].clone())).collect();
    let named: Vec<_> = letters.iter().map(|letter| letter["event"].as_str().unwrap().to_owned()).collect();
    // A greeting has no turn: it is sent if LINE takes it.
    let is_over = unfinished == named || story.ends == Ends::Noticed;
    must("whatever is not over has a letter", is_over, &(&unfinished, &letters));
    let letter = |reason: &str, state: &str| told == [(reason.into(), state.into())];
    // A reply has no key with which LINE could later say whether it arrived.
    let may_be_unknown = gate.record().had_passed(REPLY) && letter("delivery_unknown", "delivery_unknown");
    let waits =
        story.ends == Ends::AnsweredOrWaits && said.is_empty() && letter("delivery_unknown", "answered");
    match story.ends {
        Ends::Answered | Ends::AnsweredOrWaits | Ends::AnsweredAfterAll => {
            let sorries = said.iter().filter(|text| is_sorry(text)).count();
            let is_sorry_as_it_should = gate.record().had_fault() || sorries == usize::from(story.redrives);
            must("undisturbed, who is answered after all was told first", is_sorry_as_it_should, &said);
            let is_here = |of: &str| messages.iter().any(|[here, ..]| here == of);
            let is_anothers = |sent: &&Sent| sent.retry_key.is_some() && !is_here(&sent.to);
            must("nobody else is spoken to", !sent.iter().any(|sent| is_anothers(&sent)), &sent);
            for of in conversations(&messages) {
                let stored = of.iter().filter(|[_, role, _]| role == "assistant");
                let stored = joined(stored.map(|[_, _, content]| content.as_str()));
                let mut heard = heard_in(&sent, &of[0][0]).peekable();
                if story.ends == Ends::AnsweredAfterAll {
                    heard.next_if(|text| is_sorry(text));
                }
                let heard = joined(heard);
                let expected = joined([story.says_back]) + &stored;
                // After an unknown outcome the bot sends nothing more, and it sends nothing twice.
                let is_begun = may_be_unknown && !heard.is_empty() && expected.starts_with(&heard);
                let is_said = heard == expected || is_begun || waits;
                must("what is stored was said, once and in order", is_said, &(&said, &messages));
                must("the last word is the bot's", of.last().unwrap()[1] == "assistant", &messages);
            }
            let is_expected = told.is_empty() || may_be_unknown || waits;
            must("no letter but of what is unknown", is_expected, &letters);
        }
        Ends::Noticed => {
            must("something was said once", said.len() == 1, &said);
            must("nothing is kept", messages.is_empty(), &messages);
            must("no letter but of what is unknown", told.is_empty() || may_be_unknown, &letters);
        }
        Ends::HandedOff => {
            let (staff, person): (Vec<_>, Vec<_>) = sent.iter().partition(|sent| sent.to == STAFF);
            must("the staff were told once", staff.len() == 1, &sent);
            let is_told = person.len() == 1 && person[0].texts[0].contains("Our staff know");
            must("the person was told so once", is_told, &sent);
            must("nothing is kept", messages.is_empty(), &messages);
            must("no letter but of what is unknown", told.is_empty() || may_be_unknown, &letters);
        }
        Ends::Forgotten(messages_sent) => {
            let is_said = said.len() == messages_sent && said.contains(&"answer to hello");
            must("it was answered once", is_said, &said);
            must("no answer is kept", messages.is_empty(), &messages);
            must("no letter but of what is unknown", told.is_empty() || may_be_unknown, &letters);
        }
        Ends::Refused => {
            must("no answer is kept", messages.is_empty(), &messages);
            must("the user was told once", said.len() == 1 && is_sorry(said[0]), &said);
            must("one letter", letter("model_refused", "unanswered"), &letters);
        }
    }
    wrong
}

/// Whether the text is an apology.
fn is_sorry(text: &str) -> bool {
    text.starts_with("Sorry, ")
}

/// Returns the rows of each conversation.
fn conversations(messages: &[[String; 3]]) -> impl Iterator<Item = &[[String; 3]]> {
    messages.chunk_by(|[one, ..], [other, ..]| one == other)
}

/// Returns the messages to a conversation. A reply names none; in stories with several conversations there is no
/// reply.
fn heard_in<'a>(sent: &'a [Sent], conversation: &str) -> impl Iterator<Item = &'a str> {
    let here = sent.iter().filter(move |sent| sent.retry_key.is_none() || sent.to == conversation);
    here.flat_map(|sent| &sent.texts).map(String::as_str)
}

/// Joins the texts without spaces, because a split into messages drops spaces.
fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().flat_map(str::split_whitespace).collect()
}
