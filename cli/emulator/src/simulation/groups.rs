//! The groups and rooms that people have, with the bot or without it.

use std::sync::Arc;

use serde_json::json;

use super::state::{Simulation, is_id};
use crate::pipeline::Refusal;

impl Simulation {
    pub(super) fn add_group(&self, chat: &str, name: &str, members: &[String]) -> Result<(), Refusal> {
        if !(is_id(chat, 'C') || is_id(chat, 'R')) || name.trim().is_empty() || name.chars().count() > 20 {
            return Err(
                "a group has an id as LINE's (C or R and 32 hex digits) and a name of 1 to 20 characters",
            );
        }
        if members.is_empty() || !members.iter().all(|user| self.line.knows(user)) {
            return Err("there is no such person");
        }
        if !self.shows_group(chat) {
            self.line.add_group(chat, &members.iter().map(String::as_str).collect::<Vec<_>>());
            self.line.change_group(chat, |group| name.clone_into(&mut group.name));
            self.tells_of(chat, "made", None);
        }
        Ok(())
    }

    /// Notes the group that an external webhook names, with the bot in it; returns whether the group is new.
    pub(super) fn note_group(&self, chat: &str, name: &str, user: &str) -> bool {
        let is_new = !self.shows_group(chat);
        let has_entered = self.line.change_group(chat, |group| {
            if is_new {
                name.clone_into(&mut group.name);
            }
            group.adds(user)
        });
        if has_entered {
            self.tells_of(chat, "entered", Some(user));
        }
        is_new
    }

    /// Whether the page shows this group. LINE also knows groups that only a webhook of another program named; they
    /// have no name.
    fn shows_group(&self, chat: &str) -> bool {
        self.line.group(chat).is_some_and(|group| !group.name.is_empty())
    }

    /// Checks that there is such a group, and that this person is in it.
    pub(super) fn is_of(&self, chat: &str, user: Option<&str>) -> Result<(), Refusal> {
        let group = self.line.group(chat).ok_or("there is no such group")?;
        match user {
            Some(user) if group.members.iter().all(|known| known != user) => {
                Err("they are not in this group")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn add_member(self: &Arc<Self>, chat: &str, user: &str) -> Result<(), Refusal> {
        if self.is_of(chat, Some(user)).is_ok() {
            return Err("they are in this group already");
        }
        let event = self.line.add_member(chat, user, (self.clock)());
        self.tells_of(chat, "entered", Some(user));
        if !self.line.is_without_bot(chat) {
            self.delivers(event);
        }
        Ok(())
    }

    pub(super) fn add_bot(self: &Arc<Self>, chat: &str) -> Result<(), Refusal> {
        if !self.line.is_without_bot(chat) {
            return Err("the bot is in this group already");
        }
        let event = self.line.add_bot(chat, (self.clock)());
        self.tells_of(chat, "invited", None);
        self.delivers(event);
        Ok(())
    }

    pub(super) fn remove_bot(self: &Arc<Self>, chat: &str) -> Result<(), Refusal> {
        if self.line.is_without_bot(chat) {
            return Err("the bot is not in this group");
        }
        let event = self.line.remove_bot(chat, (self.clock)());
        self.tells_of(chat, "removed", None);
        self.delivers(event);
        Ok(())
    }

    /// Adds the entry of a group as it is now, and of the change.
    fn tells_of(&self, chat: &str, what: &str, user: Option<&str>) {
        let Some(group) = self.line.group(chat) else { return };
        self.feed.tell("group", json!({ "chat": chat, "name": group.name, "members": group.members, "bot": group.has_bot, "what": what, "user": user }));
    }
}
