//! The execution of the page's steps: the only way to start anything.

use std::{slice, sync::Arc, time::Duration};

use serde_json::json;

use super::{
    state::{Simulation, is_id},
    step::Step,
};
use crate::{
    faults::Fault,
    line::{PUSH, Preparation, REPLY},
    lock::lock,
    model::COMPLETIONS,
    pipeline::Refusal,
};

const THINK_MAX: Duration = Duration::from_mins(3);

impl Simulation {
    /// Carries out a step, and does not wait for the deliveries and answers that it starts.
    pub async fn apply(self: &Arc<Self>, step: Step) -> Result<(), Refusal> {
        let is_idle = self.is_idle().await;
        let done = step.clone();
        if let Some(user) = step.user()
            && !matches!(step, Step::Join { .. })
            && !self.line.knows(user)
        {
            return Err("there is no such person");
        }
        if let Some(group) = step.group() {
            self.is_of(group, step.user().filter(|_| !matches!(step, Step::Enter { .. })))?;
        }
        match step {
            Step::Join { user, name, language } => self.join(&user, &name, &language)?,
            Step::Group { chat, name, members } => self.add_group(&chat, &name, &members)?,
            Step::Enter { user, chat } => self.add_member(&chat, &user)?,
            Step::Invite { chat } => self.add_bot(&chat)?,
            Step::Remove { chat } => self.remove_bot(&chat)?,
            Step::Tap { user, data, text, chat } => self.tap(&user, chat.as_deref(), &data, &text)?,
            Step::Say { .. }
            | Step::Sticker { .. }
            | Step::Picture { .. }
            | Step::Pictures { .. }
            | Step::Voice { .. }
            | Step::File { .. }
            | Step::Location { .. } => self.sends(step)?,
            Step::Edit { message, text } => self.edit(message, &text)?,
            Step::Unsend { message } => self.unsend(message)?,
            Step::Follow { user } => self.follow(&user, true),
            Step::Unfollow { user } => self.follow(&user, false),
            Step::Redeliver { message } => self.redeliver(message)?,
            Step::Think { ms } => self.model.set_think_time(Duration::from_millis(ms).min(THINK_MAX)),
            Step::Model { fault, once } => {
                let fault = fault.map(Fault::from);
                self.model.faults.set_fault(COMPLETIONS, fault.as_ref(), once);
            }
            Step::Line { fault, once } => {
                let fault = fault.map(Fault::from);
                self.line.faults.set_fault(PUSH, fault.as_ref(), once);
                // A fault for one time is for the next push only. A second one for replies would hit some later notice.
                self.line.faults.set_fault(REPLY, fault.as_ref().filter(|_| !once), false);
            }
            Step::Contents { fault } => self.line.prepares(fault.map(Preparation::from).unwrap_or_default()),
            Step::Quota { left } => self.line.set_month_quota(left),
            Step::Kill => self.pipeline.kill(),
            Step::Redrive { letter } => self.pipeline.redrive(letter).await?,
        }
        self.feed.tell("did", json!({ "step": done.shown() }));
        lock(&self.recording).note(done, is_idle);
        Ok(())
    }

    fn join(&self, id: &str, name: &str, language: &str) -> Result<(), Refusal> {
        if !is_id(id, 'U') || name.trim().is_empty() || name.chars().count() > 20 {
            return Err(
                "a person has an id as LINE's (U and 32 hex digits) and a name of 1 to 20 characters",
            );
        }
        self.introduce(id, name, language);
        Ok(())
    }

    fn follow(self: &Arc<Self>, user: &str, follows: bool) {
        let event = self.line.follows(user, follows, (self.clock)());
        self.feed.tell("follows", json!({ "user": user, "follows": follows }));
        self.delivers(event);
    }

    fn redeliver(self: &Arc<Self>, n: Option<usize>) -> Result<(), Refusal> {
        let mut event = {
            let messages = lock(&self.messages);
            let last = || messages.iter().rposition(|message| message.is_delivered);
            let n = n.or_else(last).ok_or("nothing was delivered yet")?;
            let message = messages.get(n).filter(|message| message.is_delivered);
            message.ok_or("there is no such message")?.event.clone()
        };
        let simulation = self.clone();
        tokio::spawn(async move { simulation.webhooks.redeliver(slice::from_mut(&mut event)).await });
        Ok(())
    }
}
