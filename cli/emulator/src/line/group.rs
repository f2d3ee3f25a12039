//! Groups and rooms: their members, and the events and profiles that LINE gives of them (LINE, "Group chats and
//! multi-person chats", "Get group chat summary", "Get group chat member profile", "Get number of users in a group chat").

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    error::error,
    ids::{reply_token, request_id},
    phone::{Source, event},
    state::{Group, Line, User},
};
use crate::{lock::lock, respond::respond};

/// Whether a chat is a group or a room, by its id.
pub fn is_group(chat: &str) -> bool {
    chat.starts_with(['C', 'R'])
}

impl Line {
    /// Adds a group of these people; the bot is not in it yet.
    pub fn add_group(&self, group: &str, members: &[&str]) {
        let group_of = Group { has_bot: false, ..Group::of(members) };
        lock(&self.memory).groups.insert(group.to_owned(), group_of);
    }

    /// Returns the group or room with this id, if there is one.
    pub(crate) fn group(&self, chat: &str) -> Option<Group> {
        lock(&self.memory).groups.get(chat).cloned()
    }

    /// Changes a group. If the group is not known yet, it is added with the bot in it, because a webhook named it.
    pub(crate) fn change_group<T>(&self, chat: &str, change: impl FnOnce(&mut Group) -> T) -> T {
        let mut memory = lock(&self.memory);
        change(memory.groups.entry(chat.to_owned()).or_insert_with(|| Group::of(&[])))
    }

    /// Returns the known people of a group.
    pub fn members(&self, group: &str) -> Vec<User> {
        let memory = lock(&self.memory);
        let ids = memory.groups.get(group).map(|group| group.members.clone()).unwrap_or_default();
        let known = |id: &String| memory.users.iter().find(|user| user.id == *id).cloned();
        ids.iter().filter_map(known).collect()
    }

    /// Adds the bot to a group, and returns the `join` event.
    pub fn add_bot(&self, group: &str, now: Timestamp) -> Value {
        self.change_group(group, |group| group.has_bot = true);
        let mut event = event("join", Source::of(group, None), now);
        event["replyToken"] = reply_token().into();
        event
    }

    /// Removes the bot from a group, so that nothing arrives there any more, and returns the `leave` event.
    pub fn remove_bot(&self, group: &str, now: Timestamp) -> Value {
        self.change_group(group, |group| group.has_bot = false);
        event("leave", Source::of(group, None), now)
    }

    /// Adds a person to a group, and returns the `memberJoined` event.
    pub fn add_member(&self, group: &str, user: &str, now: Timestamp) -> Value {
        self.change_group(group, |group| group.adds(user));
        let mut event = event("memberJoined", Source::of(group, None), now);
        event["replyToken"] = reply_token().into();
        event["joined"] = json!({ "members": [{ "type": "user", "userId": user }] });
        event
    }

    /// Whether a chat is a known group without the bot. False for an unknown group, which may be from a webhook that
    /// another program posted.
    pub fn is_without_bot(&self, chat: &str) -> bool {
        lock(&self.memory).groups.get(chat).is_some_and(|group| !group.has_bot)
    }

    /// Returns how many of the month's messages one message to a chat counts for (LINE, "Messaging API pricing").
    pub(super) fn recipients(&self, chat: &str) -> usize {
        let members = lock(&self.memory).groups.get(chat).map(|group| group.members.len());
        members.unwrap_or_else(|| usize::from(!self.is_blocked_by(chat)))
    }
}

/// Adds the group and the user that an event names, because the page may not have made them, and notes whether the bot
/// is in the group.
pub(super) fn note(groups: &mut std::collections::HashMap<String, Group>, chat: &str, event: &Value) {
    let known = groups.entry(chat.to_owned()).or_insert_with(|| Group::of(&[]));
    match event["type"].as_str() {
        Some("join") => known.has_bot = true,
        Some("leave") => known.has_bot = false,
        _ => {}
    }
    if let Some(user) = event["source"]["userId"].as_str() {
        known.adds(user);
    }
}

pub(super) async fn member(
    State(line): State<Arc<Line>>,
    Path((kind, chat, user)): Path<(String, String, String)>,
) -> Response {
    let found = line.members(&chat).into_iter().find(|member| member.id == user);
    let found = found.filter(|_| is_of(&kind, &chat) && !line.is_without_bot(&chat));
    let Some(User { id, name, .. }) = found else { return error(404, "Not found", &[]) };
    respond(200, &[request_id()], json!({ "userId": id, "displayName": name }).to_string())
}

pub(super) async fn count(
    State(line): State<Arc<Line>>,
    Path((kind, chat)): Path<(String, String)>,
) -> Response {
    let found = line.group(&chat).filter(|group| is_of(&kind, &chat) && group.has_bot);
    let Some(group) = found else { return error(404, "Not found", &[]) };
    respond(200, &[request_id()], json!({ "count": group.members.len() }).to_string())
}

pub(super) async fn summary(State(line): State<Arc<Line>>, Path(group): Path<String>) -> Response {
    let found = line.group(&group).filter(|found| is_of("group", &group) && found.has_bot);
    let Some(Group { name, .. }) = found else { return error(404, "Not found", &[]) };
    respond(200, &[request_id()], json!({ "groupId": group, "groupName": name }).to_string())
}

/// Whether a chat is of the kind that a path names. Every id that does not begin as a room's is taken for a group,
/// because LINE does not promise the first letter.
fn is_of(kind: &str, chat: &str) -> bool {
    kind == if chat.starts_with('R') { "room" } else { "group" }
}
