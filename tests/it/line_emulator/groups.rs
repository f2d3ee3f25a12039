//! Groups and rooms as LINE has them, with every event of theirs.

use emulator::line::{
    LOADING,
    phone::{self, BOT, Source, User},
    said,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{KEY, Platform, text};
use crate::harness::{local::USER, spec};

const GROUP: &str = "C4af4980629000000000000000000000a";
const ROOM: &str = "R4af4980629000000000000000000000a";
const REN: &str = "U00000000000000000000000000000002";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

impl Platform {
    async fn gets(&self, template: &str, path: &str) -> (u16, Value) {
        self.calls_with("get", template, path, None, &[("authorization", "Bearer token")]).await
    }

    async fn counts(&self, chat: &str) -> (u16, Value) {
        let (kind, id) = if chat.starts_with('C') { ("group", "groupId") } else { ("room", "roomId") };
        let count = |chat: &str| format!("/v2/bot/{kind}/{chat}/members/count");
        self.gets(&count(&format!("{{{id}}}")), &count(chat)).await
    }
}

async fn platform() -> Platform {
    let platform = Platform::start().await;
    let ren = User { id: REN.into(), name: "蓮".into(), language: "ja".into(), follows: false };
    platform.line.add_user(ren);
    platform.line.add_group(GROUP, &[USER, REN]);
    platform
}

#[tokio::test]
async fn a_group_can_be_written_to_while_the_bot_is_in_it_and_counts_for_each_member() {
    let platform = platform().await;
    let push = json!({ "to": GROUP, "messages": [text("hi")] });
    assert_eq!((platform.pushes(&push, None).await.0, platform.counts(GROUP).await.0), (400, 404));
    spec::check_event(&platform.line.add_bot(GROUP, NOW));
    let (status, first) = platform.pushes(&push, Some(KEY)).await;
    assert_eq!(status, 200);
    assert!(first["sentMessages"][0]["quoteToken"].is_string());
    assert_eq!(platform.counts(GROUP).await, (200, json!({ "count": 2 })));
    let summary = async |group: &str| {
        platform.gets("/v2/bot/group/{groupId}/summary", &format!("/v2/bot/group/{group}/summary")).await
    };
    assert_eq!((summary(GROUP).await.1["groupId"].clone(), summary(ROOM).await.0), (GROUP.into(), 404));
    let (_, used) = platform.calls("get", "/v2/bot/message/quota/consumption", None).await;
    assert_eq!(used["totalUsage"], 2);
    let (status, again) = platform.pushes(&push, Some(KEY)).await;
    assert_eq!((status, &again["sentMessages"]), (409, &first["sentMessages"]));
    platform.line.set_messages_left(1);
    assert_eq!(
        platform.pushes(&push, None).await.0,
        429,
        "there are two in the group, and one message is left"
    );
    platform.line.set_month_quota(None);
    spec::check_event(&platform.line.remove_bot(GROUP, NOW));
    assert_eq!((platform.pushes(&push, None).await.0, platform.counts(GROUP).await.0), (400, 404));
    let loading = json!({ "chatId": GROUP, "loadingSeconds": 5 });
    assert_eq!(platform.calls("post", LOADING, Some(&loading)).await.0, 400);
}

#[tokio::test]
async fn who_is_in_a_group_is_told_by_name_friend_of_the_bot_or_not() {
    let platform = platform().await;
    platform.line.add_bot(GROUP, NOW);
    let member = |kind: &str, chat: &str, user: &str| format!("/v2/bot/{kind}/{chat}/member/{user}");
    let template = member("group", "{groupId}", "{userId}");
    let (status, ren) = platform.gets(&template, &member("group", GROUP, REN)).await;
    assert_eq!((status, &ren["displayName"]), (200, &"蓮".into()));
    let stranger = "U00000000000000000000000000000009";
    assert_eq!(platform.gets(&template, &member("group", GROUP, stranger)).await.0, 404);
    // The emulator knows a room only by its webhooks.
    let source = Source::of(ROOM, Some(USER));
    let webhook = json!({ "events": [phone::message_event(said::text("hi"), source, NOW)] });
    platform.line.sends(&webhook, tokio::time::Instant::now());
    let template = member("room", "{roomId}", "{userId}");
    let (_, aoi) = platform.gets(&template, &member("room", ROOM, USER)).await;
    assert_eq!(aoi, json!({ "userId": USER, "displayName": "Aoi" }));
    assert_eq!(platform.counts(ROOM).await, (200, json!({ "count": 1 })));
    spec::check_event(&platform.line.add_member(ROOM, REN, NOW));
    assert_eq!(platform.counts(ROOM).await.1["count"], 2);
    assert_eq!(platform.gets(&template, &member("group", ROOM, USER)).await.0, 404);
}

#[tokio::test]
async fn every_event_of_the_emulator_is_one_that_line_specifies() {
    let platform = platform().await;
    let line = &platform.line;
    let sources =
        [USER.into(), Source::of(GROUP, Some(USER)), Source::of(GROUP, None), Source::of(ROOM, Some(REN))];
    let people = line.members(GROUP);
    let messages = [
        said::text("hi"),
        said::text_in_group("@Henji 🍎 @蓮 @All @nobody", &people),
        said::quoting(said::text("and this?"), Some("325708")),
        said::location("駅", "東京都千代田区丸の内1丁目", 35.681_236, 139.767_125),
        said::location("", "", -33.9, 18.4),
        said::image("1"),
        said::voice("1", Some(2_000)),
        said::voice("1", None),
        said::video("1", Some(60_000)),
        said::file("1", "notes.pdf", 22_016),
    ];
    let stickers = (0..said::STICKERS.len()).map(|index| said::sticker(index).unwrap());
    for message in messages.into_iter().chain(stickers) {
        for source in &sources {
            spec::check_event(&phone::message_event(message.clone(), source.clone(), NOW));
        }
    }
    for event in [
        line.unsends(Source::of(GROUP, Some(USER)), "1", NOW),
        line.follows(USER, true, NOW),
        line.follows(USER, false, NOW),
    ] {
        spec::check_event(&event);
    }
    let edited = phone::edited_event("325708", said::text("hi!"), Source::of(GROUP, Some(USER)), NOW);
    assert_eq!((&edited["type"], &edited["message"]["id"]), (&"messageEdited".into(), &"325708".into()));
    // The specification is older than this event, which is otherwise like a message event.
    spec::check_event(&{
        let mut event = edited;
        event["type"] = "message".into();
        event
    });
}

#[test]
fn mentions_are_counted_in_utf16_and_the_longest_name_is_meant() {
    let user = |id: &str, name: &str| User {
        id: id.into(),
        name: name.into(),
        language: "ja".into(),
        follows: true,
    };
    let people = [user(USER, "Aoi"), user(REN, "Aoi 🍎")];
    let message = said::text_in_group("🍎 @Aoi 🍎 と @Aoi と @Henji と @All @", &people);
    let of = |id: &str, index: u32, length: u32, is_self: bool| json!({ "type": "user", "userId": id, "index": index, "length": length, "isSelf": is_self });
    let expected = json!([of(REN, 3, 7, false), of(USER, 13, 4, false), of(BOT, 20, 6, true), { "type": "all", "index": 29, "length": 4 }]);
    assert_eq!(message["mention"]["mentionees"], expected);
    assert!(said::text_in_group("a@b.example", &people)["mention"].is_null());
}
