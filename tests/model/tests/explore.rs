//! Explores the real table within the bounds that fit into `tests/all`, and wider ones for `tests/long`.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use model::{
    search::search,
    setting::{
        Disturbance::{
            self, Crash, Duplicate, Edit, Forget, HalfDay, LeaseEnds, Line, LostCall, ModelFails, Month,
            Pause, Redrive, Resend, Stop, Unsend,
        },
        Kind, Model, Rules, Setting,
    },
};

/// The most states of a search.
const MOST: usize = 60_000_000;

/// The most times of each disturbance. The bound of a setting is their total.
const ALL: [(Disturbance, u8); 12] = [
    (Crash, 2),
    (Stop, 2),
    (LostCall, 2),
    (Line, 2),
    (ModelFails, 2),
    (Duplicate, 1),
    (Unsend, 2),
    (Edit, 1),
    (Forget, 1),
    (Redrive, 2),
    (Resend, 1),
    (HalfDay, 2),
];

const ONE: Kind = Kind::Question { parts: 1 };
const TWO: Kind = Kind::Question { parts: 2 };

/// Makes a setting of these acts, one worker, and this number of disturbances.
fn one_worker(name: &'static str, said: &[Kind], total: u8) -> Setting {
    Setting { said: said.to_vec(), total, ..Setting::new(name).with(&ALL) }
}

/// Makes one in which a second worker may have the job of the first one, whose lease has ended.
fn two_workers(name: &'static str, said: &[Kind], total: u8) -> Setting {
    Setting { workers: 2, ..one_worker(name, said, total).with(&[(LeaseEnds, 2)]) }
}

/// Makes one in which a second worker meanwhile does the jobs of other groups.
fn side_by_side(name: &'static str, said: &[Kind], total: u8) -> Setting {
    Setting { workers: 2, ..one_worker(name, said, total) }
}

fn holds(setting: Setting) {
    let name = setting.name;
    let found = search(&Model { rules: Rules::REAL, setting }, MOST);
    println!("{name}: {found}");
    if let Some(violation) = found.violation {
        panic!("{name}: {violation}");
    }
    assert!(found.is_all_done, "{name}: not all states were explored");
}

/// Makes one in which the month's messages may be used up.
fn used_up(setting: Setting) -> Setting {
    setting.with(&[(Month, 2)])
}

fn settings(more: u8) -> [Setting; 22] {
    let pause = [(Pause, 1)];
    [
        one_worker("one message", &[TWO], 4 + more),
        Setting { replies: true, ..one_worker("one message, by reply", &[TWO], 3 + more) },
        two_workers("one message, two workers", &[ONE], 3 + more),
        Setting { replies: true, ..two_workers("one message, two workers, by reply", &[ONE], 3 + more) },
        one_worker("two messages", &[TWO, ONE], 3 + more),
        Setting { merges: true, ..one_worker("two messages, merged", &[ONE, TWO], 3 + more) },
        Setting {
            merges: true,
            replies: true,
            ..one_worker("two messages, merged, by reply", &[ONE, ONE], 2 + more)
        },
        Setting { merges: true, ..two_workers("two messages, two workers, merged", &[ONE, ONE], 2 + more) },
        Setting {
            merges: true,
            images: true,
            max_attempts: 4,
            ..one_worker("two images, one question", &[ONE, ONE], 3 + more)
        },
        used_up(one_worker("one message, the month is used up", &[ONE], 4 + more)),
        used_up(Setting {
            replies: true,
            ..one_worker("one message, by reply, the month is used up", &[ONE], 3 + more)
        }),
        used_up(two_workers("one message, two workers, the month is used up", &[ONE], 3 + more)),
        used_up(Setting {
            merges: true,
            ..one_worker("two messages, merged, the month is used up", &[ONE, ONE], 2 + more)
        }),
        one_worker("a message, and a pause", &[TWO], 3 + more).with(&pause),
        two_workers("a message, two workers, and a pause", &[ONE], 2 + more).with(&pause),
        Setting { merges: true, ..one_worker("two messages, merged, and a pause", &[ONE, ONE], 2 + more) }
            .with(&pause),
        one_worker("a message, then forget", &[ONE, Kind::Forget], 3 + more),
        one_worker("a message, then unfollow", &[ONE, Kind::Unfollow], 3 + more),
        one_worker("a message, then forget, then a message", &[ONE, Kind::Forget, ONE], 2 + more),
        side_by_side("a message, and forget beside it", &[TWO, Kind::Forget], 2 + more),
        side_by_side(
            "a message, and unfollow beside it, then a message",
            &[ONE, Kind::Unfollow, ONE],
            1 + more,
        ),
        Setting {
            merges: true,
            ..side_by_side(
                "two messages, merged, and forget between them",
                &[ONE, Kind::Forget, ONE],
                1 + more,
            )
        },
    ]
}

#[test]
fn whatever_goes_wrong_in_whatever_order_the_promises_hold() {
    settings(0).into_iter().for_each(holds);
}

#[test]
#[ignore = "it takes five minutes: tests/long"]
fn whatever_more_goes_wrong_in_whatever_order_the_promises_hold() {
    settings(1).into_iter().for_each(holds);
}
