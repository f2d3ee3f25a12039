//! The media types of pictures, voices and videos, by their first bytes.

/// The kinds of HEIF and AVIF.
const PHOTOS: [&[u8]; 6] = [b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif"];

/// The media type of these bytes, by the first of them; `None` for what is no picture, voice or video.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some("audio/wav"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'M', b'4', b'A', ..] => Some("audio/x-m4a"),
        // A photo in a video's container. The page makes a JPEG of it where its browser can.
        [_, _, _, _, b'f', b't', b'y', b'p', of @ ..] if PHOTOS.iter().any(|it| of.starts_with(it)) => None,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("video/mp4"),
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => Some("audio/mpeg"),
        [b'O', b'g', b'g', b'S', ..] => Some("audio/ogg"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Some("audio/webm"),
        _ => None,
    }
}
