//! The rules that hold whatever happened; each rule returns what breaks it. Pure.

use std::collections::{HashMap, HashSet};

use super::{
    chat::{chat_id, markers, person},
    facts::{Facts, Heard},
    schedule::{Kind, Schedule},
};

/// Returns everything that is wrong after a schedule. `early` has the facts from before the redrive of the dead
/// letters, or is `None` where there was no redrive yet.
pub fn problems(schedule: &Schedule, facts: &Facts, early: Option<&Facts>) -> Vec<String> {
    let was_redriven = |event: usize| early.is_some_and(|early| early.letter(event).is_some());
    let (heard, mut wrong) = facts.heard(schedule);
    wrong.extend(facts.problems.iter().cloned());
    wrong.extend(none_twice(schedule, &heard));
    wrong.extend(none_lost(schedule, facts, &heard));
    wrong.extend(in_order(schedule, facts, &heard, &was_redriven));
    wrong.extend(limits_kept(schedule, &heard));
    wrong.extend(letters_truthful(schedule, facts, &heard, &was_redriven));
    wrong.extend(nothing_kept(schedule, facts));
    wrong
}

fn none_twice(schedule: &Schedule, heard: &[Heard]) -> Vec<String> {
    let taken_back = speaks_again(schedule, heard);
    let mut wrong = vec![];
    for (number, of) in heard.iter().enumerate() {
        let answers = of.with.len() + usize::from(of.is_answer);
        if of.parts.values().any(|times| *times > 1)
            || of.apologies > 1
            || answers > 1 && !taken_back.contains(&schedule.events[number].chat)
        {
            let (parts, apologies) = (&of.parts, of.apologies);
            wrong.push(format!(
                "event {number} was answered twice: {parts:?}, {apologies} apologies, with {:?}",
                of.with
            ));
        }
    }
    wrong
}

/// Returns the chats in which an answer to several questions was deleted because one of them was unsent: the others
/// are unanswered before the next one, and the model answers them again.
fn speaks_again(schedule: &Schedule, heard: &[Heard]) -> HashSet<usize> {
    let is_shared = |of: usize| !heard[of].with.is_empty() || heard.iter().any(|it| it.with.contains(&of));
    let taken_back =
        schedule.events.iter().filter(|event| matches!(event.kind, Kind::Unsend(of) if is_shared(of)));
    taken_back.map(|event| event.chat).collect()
}

/// Checks that each event that was taken ends in an answer, a notice, a dead letter, or in silence for a reason.
fn none_lost(schedule: &Schedule, facts: &Facts, heard: &[Heard]) -> Vec<String> {
    let taken_back = schedule.events.iter().filter_map(|event| match event.kind {
        Kind::Unsend(of) => Some(of),
        _ => None,
    });
    let taken_back: HashSet<usize> = taken_back.collect();
    let forgetful: HashSet<usize> =
        schedule.events.iter().filter(|event| event.kind == Kind::Forget).map(|event| event.chat).collect();
    let mut wrong = vec![];
    for (number, event) in schedule.events.iter().enumerate() {
        let (of, letter) = (&heard[number], facts.letter(number));
        let (stage, gave_up) = facts.turn(number);
        let is_forgotten =
            (stage == 3 || gave_up) && (taken_back.contains(&number) || forgetful.contains(&event.chat));
        // An answer that was stored counts, also where it was never delivered.
        let is_over_limit = || spent(schedule, facts, heard, &person(event)) >= schedule.limit;
        let is_well = match event.kind {
            _ if facts.posted[number].accepted.is_none() => false,
            Kind::Aside => !of.is_answered() && of.apologies == 0 && letter.is_none(),
            // An unsend has no turn. The check of the unsent message covers it.
            Kind::Unsend(_) => !of.is_answered() && letter.is_none(),
            Kind::Forget => of.is_answered() || letter.is_some() || is_forgotten,
            Kind::Question(_) | Kind::TooLong => {
                // Questions that are answered together end as the last of them does: its letter is theirs.
                let is_anothers = || {
                    (0..schedule.events.len()).any(|other| {
                        let (stage, gave_up) = facts.turn(other);
                        let has_failed = stage == 3 || gave_up || facts.letter(other).is_some();
                        let is_same = other != number && schedule.events[other].chat == event.chat;
                        // If one of them was unsent or forgotten, the link to it is gone.
                        let is_unlinked =
                            || schedule.is_taken_back_in(event.chat) || forgetful.contains(&event.chat);
                        let may_be = || is_unlinked() || facts.may_be_merged(number, other);
                        is_same && has_failed && may_be()
                    })
                };
                let is_silent = stage == 2 && (is_over_limit() || schedule.merges() && is_anothers());
                of.is_answered() || letter.is_some() || is_forgotten || is_silent
            }
        };
        if !is_well {
            let same = schedule.events.iter().enumerate().filter(|(_, other)| other.chat == event.chat);
            let chat: Vec<_> = same
                .map(|(other, event)| {
                    let Heard { is_answer, apologies, with, .. } = &heard[other];
                    (other, event.speaker, event.kind, facts.turn(other), is_answer, apologies, with)
                })
                .collect();
            let (spent, limit) = (spent(schedule, facts, heard, &person(event)), schedule.limit);
            wrong.push(format!(
                "event {number} was lost: {event:?}, stage {stage}, letter {letter:?}, {spent} answers of {limit}; its chat: {chat:?}"
            ));
        }
    }
    wrong
}

/// Checks that the event that was certainly taken first is answered first, unless it was given up.
fn in_order(
    schedule: &Schedule,
    facts: &Facts,
    heard: &[Heard],
    was_redriven: &dyn Fn(usize) -> bool,
) -> Vec<String> {
    let taken_back = speaks_again(schedule, heard);
    let mut chats: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, event) in schedule.events.iter().enumerate() {
        // The answer to several events waits in the turn of the last one.
        let was_given_up = [number]
            .iter()
            .chain(&heard[number].with)
            .any(|&answer| was_redriven(answer) || facts.letter(answer).is_some());
        if heard[number].at.is_some() && !was_given_up && !taken_back.contains(&event.chat) {
            chats.entry(event.chat).or_default().push(number);
        }
    }
    let mut wrong = vec![];
    for events in chats.values() {
        for &one in events {
            for &other in events {
                let is_before = facts.posted[one].accepted < facts.posted[other].first;
                if is_before && heard[one].at > heard[other].at {
                    wrong.push(format!("event {one} was taken before event {other} and answered after it"));
                }
            }
        }
    }
    wrong
}

/// Counts the answers that a person got at most, including those that were stored and not delivered.
fn spent(schedule: &Schedule, facts: &Facts, heard: &[Heard], who: &str) -> usize {
    let events = schedule.events.iter().enumerate().filter(|(_, event)| person(event) == who);
    let may_count = |number: usize| {
        let (stage, gave_up) = facts.turn(number);
        heard[number].is_answer || stage == 3 || gave_up || facts.letter(number).is_some()
    };
    events.filter(|(number, _)| may_count(*number)).count()
}

/// Counts the answers of each person.
fn answers(schedule: &Schedule, heard: &[Heard]) -> HashMap<String, usize> {
    let mut answers = HashMap::new();
    for (event, of) in schedule.events.iter().zip(heard) {
        if of.is_answer {
            *answers.entry(person(event)).or_default() += 1;
        }
    }
    answers
}

fn limits_kept(schedule: &Schedule, heard: &[Heard]) -> Vec<String> {
    let over = answers(schedule, heard).into_iter().filter(|(_, many)| *many > schedule.limit);
    over.map(|(who, many)| format!("{who} got {many} answers of {}", schedule.limit)).collect()
}

/// Checks that a dead letter agrees with LINE's record.
fn letters_truthful(
    schedule: &Schedule,
    facts: &Facts,
    heard: &[Heard],
    was_redriven: &dyn Fn(usize) -> bool,
) -> Vec<String> {
    let mut wrong = vec![];
    for (number, of) in heard.iter().enumerate() {
        let heard_of = of.parts.values().sum::<usize>();
        let mut wrongs =
            |what: &str| wrong.push(format!("event {number}, {:?}: {what}", schedule.events[number]));
        if let Some((reason, state)) = facts.letter(number) {
            if state == "delivered" && heard_of == 0 {
                wrongs("its letter says that it was delivered");
            }
            if state == "unanswered" && heard_of > 0 {
                wrongs("its letter says that it was never answered");
            }
            if (reason.starts_with("model_") || reason.starts_with("line_")) && heard_of > 0 && !of.is_long {
                wrongs(&format!("its letter says {reason}, and it was delivered"));
            }
            if reason == "delivery_unknown" && !facts.was_tried(number) {
                wrongs("its letter says delivery_unknown, and nobody tried to deliver it");
            }
        }
        // Without a redrive there is no answer where the user got an apology.
        if of.apologies > 0 && of.is_answered() && !was_redriven(number) {
            wrongs("its user was told that there is no answer, and got one");
        }
    }
    wrong
}

/// Checks that nothing unsent or forgotten is stored, and everything else in its own conversation.
fn nothing_kept(schedule: &Schedule, facts: &Facts) -> Vec<String> {
    let is_done = |number: usize| facts.turn(number).0 == 2 && facts.letter(number).is_none();
    let mut gone: HashSet<usize> = HashSet::new();
    for (number, event) in schedule.events.iter().enumerate().filter(|(number, _)| is_done(*number)) {
        match event.kind {
            Kind::Unsend(of) => _ = gone.insert(of),
            Kind::Forget => gone.extend((0..schedule.events.len()).filter(|&other| {
                let is_before = facts.posted[other].accepted < facts.posted[number].first;
                schedule.events[other].chat == event.chat && is_before
            })),
            _ => {}
        }
    }
    let mut wrong = vec![];
    for (conversation, role, content) in &facts.rows {
        for (chat, number) in markers(content) {
            if *conversation != chat_id(chat, schedule.events[number].is_in_group()) {
                wrong.push(format!("what belongs to event {number} is stored with {conversation}"));
            }
            if gone.contains(&number) && role == "user" {
                wrong.push(format!("event {number} was taken back or forgotten, and is stored"));
            }
        }
    }
    wrong
}

/// Returns the letters that a redrive wrongly left. It may leave those for which nobody can know whether LINE
/// delivered a reply, which has no retry key.
pub fn unmended(schedule: &Schedule, facts: &Facts) -> Vec<String> {
    let letters = (0..schedule.events.len()).filter_map(|number| Some((number, facts.letter(number)?)));
    let unmended = letters.filter(|(_, (reason, _))| reason != "delivery_unknown");
    unmended.map(|(number, letter)| format!("event {number} could not be redriven: {letter:?}")).collect()
}

/// Summarises the run, so that a reader sees that something happened.
pub fn summary(schedule: &Schedule, early: &Facts, late: &Facts) -> String {
    let (heard, _) = late.heard(schedule);
    let count = |is: &dyn Fn(&Heard) -> bool| heard.iter().filter(|of| is(of)).count();
    let mut reasons: HashMap<&str, usize> = HashMap::new();
    for (reason, _) in early.letters.values() {
        *reasons.entry(reason).or_default() += 1;
    }
    format!(
        "{} events: {} answered, {} with another, {} told that there is no answer; dead letters {reasons:?}, after the redrive {}",
        heard.len(),
        count(&|of| of.is_answer),
        count(&|of| !of.with.is_empty()),
        count(&|of| of.apologies > 0),
        late.letters.len(),
    )
}
