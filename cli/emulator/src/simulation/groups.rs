//! The groups and rooms that people have, with the bot or without it.

use std::sync::Arc;

use serde_json::json;

use super::world::{Group, World, is_id};
use crate::{lock::lock, pipeline::Refusal};

const NO_SUCH: Refusal = "there is no such group";

impl World {
    pub(super) fn gathers(&self, chat: &str, name: &str, members: &[String]) -> Result<(), Refusal> {
        if !(is_id(chat, 'C') || is_id(chat, 'R')) || name.trim().is_empty() || name.chars().count() > 20 {
            return Err(
                "a group has an id as LINE's (C or R and 32 hex digits) and a name of 1 to 20 characters",
            );
        }
        if members.is_empty() || !members.iter().all(|user| self.line.knows(user)) {
            return Err("there is no such person");
        }
        if lock(&self.groups).contains_key(chat) {
            return Ok(());
        }
        self.line.gathers(chat, &members.iter().map(String::as_str).collect::<Vec<_>>());
        let group = Group { name: name.to_owned(), members: members.to_vec(), has_bot: false };
        lock(&self.groups).insert(chat.to_owned(), group);
        self.tells_of(chat, "made", None);
        Ok(())
    }

    /// A group that a webhook from elsewhere speaks of, in which the bot then is; whether it is a new one.
    pub(super) fn hears_of(&self, chat: &str, name: &str, user: &str) -> bool {
        let mut groups = lock(&self.groups);
        let is_new = !groups.contains_key(chat);
        let (name, members) = (name.to_owned(), vec![]);
        let group = groups.entry(chat.to_owned()).or_insert(Group { name, members, has_bot: true });
        let is_known = group.members.iter().any(|known| known == user);
        if !is_known {
            group.members.push(user.to_owned());
        }
        drop(groups);
        if !is_known {
            self.tells_of(chat, "entered", Some(user));
        }
        is_new
    }

    /// Whether there is such a group, and this person in it.
    pub(super) fn is_of(&self, chat: &str, user: Option<&str>) -> Result<(), Refusal> {
        let groups = lock(&self.groups);
        let group = groups.get(chat).ok_or(NO_SUCH)?;
        match user {
            Some(user) if group.members.iter().all(|known| known != user) => {
                Err("they are not in this group")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn enters(self: &Arc<Self>, chat: &str, user: &str) -> Result<(), Refusal> {
        let has_bot = {
            let mut groups = lock(&self.groups);
            let group = groups.get_mut(chat).ok_or(NO_SUCH)?;
            if group.members.iter().any(|known| known == user) {
                return Err("they are in this group already");
            }
            group.members.push(user.to_owned());
            group.has_bot
        };
        self.tells_of(chat, "entered", Some(user));
        let event = self.line.enters(chat, user, (self.clock)());
        if has_bot {
            self.delivers(event);
        }
        Ok(())
    }

    pub(super) fn invites(self: &Arc<Self>, chat: &str) -> Result<(), Refusal> {
        self.has_bot(chat, true).ok_or("the bot is in this group already")?;
        let event = self.line.invites(chat, (self.clock)());
        self.tells_of(chat, "invited", None);
        self.delivers(event);
        Ok(())
    }

    pub(super) fn removes(self: &Arc<Self>, chat: &str) -> Result<(), Refusal> {
        self.has_bot(chat, false).ok_or("the bot is not in this group")?;
        let event = self.line.removes(chat, (self.clock)());
        self.tells_of(chat, "removed", None);
        self.delivers(event);
        Ok(())
    }

    /// From now on it is, or is not, in this group; `None` if that is no change.
    fn has_bot(&self, chat: &str, has_bot: bool) -> Option<()> {
        let mut groups = lock(&self.groups);
        let group = groups.get_mut(chat)?;
        (std::mem::replace(&mut group.has_bot, has_bot) != has_bot).then_some(())
    }

    /// Tells the page of a group as it is now, and of what happened.
    fn tells_of(&self, chat: &str, what: &str, user: Option<&str>) {
        let groups = lock(&self.groups);
        let Some(Group { name, members, has_bot }) = groups.get(chat) else { return };
        self.feed.tell("group", json!({ "chat": chat, "name": name, "members": members, "bot": has_bot, "what": what, "user": user }));
    }
}
