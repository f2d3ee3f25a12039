//! Small settings in which the search looks for broken tables.

use crate::setting::{
    Disturbance::{
        Crash, Duplicate, Forget, HalfDay, LeaseEnds, Line, LostCall, ModelFails, Month, Redrive, Unsend,
    },
    Kind, Setting,
};

/// Returns one message in two parts, and one worker.
pub fn alone() -> Setting {
    let said = vec![Kind::Question { parts: 2 }];
    let most = [
        (Crash, 2),
        (LostCall, 1),
        (Line, 2),
        (ModelFails, 1),
        (Redrive, 1),
        (Forget, 1),
        (Duplicate, 1),
        (HalfDay, 2),
    ];
    Setting { said, total: 4, ..Setting::new("alone").with(&most) }
}

/// Returns one message, and a lease that ends while its worker still runs.
pub fn beside() -> Setting {
    let most = [(Crash, 1), (Line, 1), (LeaseEnds, 1), (LostCall, 1), (HalfDay, 2)];
    Setting { workers: 2, total: 3, ..Setting::new("beside another attempt").with(&most) }
}

/// Returns one message with a reply, and a lease that ends while its worker still runs.
pub fn replied_beside() -> Setting {
    let most = [(Line, 2), (LeaseEnds, 1)];
    Setting {
        workers: 2,
        replies: true,
        total: 3,
        ..Setting::new("replied to beside another attempt").with(&most)
    }
}

/// Returns one message with a reply.
pub fn replied() -> Setting {
    let most = [(Crash, 1), (Line, 2), (LostCall, 1), (Redrive, 1), (HalfDay, 2)];
    Setting { replies: true, total: 3, ..Setting::new("replied to").with(&most) }
}

/// Returns one message at the end of the month.
pub fn used_up() -> Setting {
    let most = [(Month, 2), (Crash, 1), (Line, 2), (LostCall, 1), (Redrive, 1), (HalfDay, 1)];
    Setting { total: 4, ..Setting::new("the month is used up").with(&most) }
}

/// Returns one message at the end of the month, and a lease that ends while its worker still runs.
pub fn used_up_beside() -> Setting {
    let most = [(Month, 2), (Line, 2), (LeaseEnds, 1)];
    Setting {
        workers: 2,
        total: 4,
        ..Setting::new("the month is used up beside another attempt").with(&most)
    }
}

/// Returns two messages that may be answered together.
pub fn merged() -> Setting {
    let said = vec![Kind::Question { parts: 1 }; 2];
    let most = [(Crash, 1), (Line, 1), (Unsend, 1), (Duplicate, 1), (HalfDay, 2)];
    Setting { said, merges: true, total: 3, ..Setting::new("merged").with(&most) }
}

/// Returns two messages that may be answered together, and a lease that ends while its worker still runs.
pub fn merged_beside() -> Setting {
    let said = vec![Kind::Question { parts: 1 }; 2];
    let most = [(LeaseEnds, 1)];
    Setting {
        said,
        merges: true,
        workers: 2,
        total: 1,
        ..Setting::new("merged beside another attempt").with(&most)
    }
}
