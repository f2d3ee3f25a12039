//! An image as the model gets it: a data URL in the request itself, so that nobody else ever fetches it. The image
//! holds its share of the memory for content until it is dropped.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::sync::OwnedSemaphorePermit;

use crate::rules::content::Content;

/// The largest image that is fetched, in bytes. It is the size of the largest image that LINE itself delivers (LINE,
/// "Image message").
pub const BYTES_MAX: usize = 10_000_000;
/// The room that is kept for an image in the context, in tokens. Models that count patches take at most 1,536 of them,
/// and the small models count 1.62 tokens for each. Models that count tiles take at most eight, which are 1,445 tokens
/// (OpenAI, "Images and vision: calculating costs"). If an image needs more, the model reports that its context is
/// full.
pub const TOKENS: usize = 2_500;

/// An image. It is never stored and never logged.
pub struct Image {
    url: String,
    _room: OwnedSemaphorePermit,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a picture of {} characters", self.url.len())
    }
}

impl Image {
    /// Makes an image of these bytes, if they begin like one of the formats that models read.
    pub fn of(content: Content) -> Option<Self> {
        let Content { bytes, room } = content;
        let mut url = format!("data:{};base64,", kind(&bytes)?);
        url.reserve_exact(base64::encoded_len(bytes.len(), true)?);
        STANDARD.encode_string(&bytes, &mut url);
        Some(Self { url, _room: room })
    }

    /// Returns the data URL of the image.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Returns the media type of an image by its first bytes (OpenAI, "Images and vision": PNG, JPEG, WEBP, GIF).
fn kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn content(bytes: &'static [u8]) -> Content {
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Content { bytes: bytes.into(), room }
    }

    #[test]
    fn a_picture_of_a_kind_that_models_read_is_known_by_its_first_bytes() {
        for (bytes, url) in [
            (&b"\x89PNG\r\n\x1a\n"[..], Some("data:image/png;base64,iVBORw0KGgo=")),
            (b"\xff\xd8\xff\xe0", Some("data:image/jpeg;base64,/9j/4A==")),
            (b"GIF89a", Some("data:image/gif;base64,R0lGODlh")),
            (b"RIFF\x04\0\0\0WEBP", Some("data:image/webp;base64,UklGRgQAAABXRUJQ")),
            (b"RIFF\x04\0\0\0WAVE", None),
            (b"BM\x1a\0", None),
            (b"\xff\xd8", None),
            (b"", None),
        ] {
            let image = Image::of(content(bytes));
            assert_eq!(image.as_ref().map(Image::url), url, "{bytes:?}");
        }
    }

    #[test]
    fn only_the_size_of_a_picture_is_printed() {
        let content = content(b"GIF89a");
        assert_eq!(format!("{content:?}"), "6 bytes");
        assert_eq!(format!("{:?}", Image::of(content)), "Some(a picture of 30 characters)");
    }
}
