//! The setting of the staff: `HANDOFF_TO`.

use shared::{
    env::{Env, EnvError, invalid},
    job::ConversationId,
};

/// The name of the setting.
pub const NAME: &str = "HANDOFF_TO";

/// Reads the user or group of the staff; returns `None` if it is not set.
pub(super) fn from_env(env: &Env) -> Result<Option<ConversationId>, EnvError> {
    parse(env.optional(NAME)?)
}

/// Returns the user or group of the staff that a value names; `None` if it names nobody.
pub fn parse(value: Option<&str>) -> Result<Option<ConversationId>, EnvError> {
    let Some(id) = value.map(str::trim).filter(|id| !id.is_empty()) else { return Ok(None) };
    let digits = id.strip_prefix(['U', 'C']).unwrap_or_default();
    let is_id = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let staff = is_id.then(|| ConversationId::of_known_id(id.to_owned()).ok()).flatten();
    let why = "it must be the LINE id of a user or group of the staff: U or C, and 32 hexadecimal digits";
    staff.map(Some).ok_or_else(|| invalid(NAME, why))
}
