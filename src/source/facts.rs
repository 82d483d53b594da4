//! What is known of a file that an article names: its length, its type, and the size of its picture.

use super::directory::open;
use crate::article::{FileFacts, Pixels};
use std::fs::{self, Metadata};
use std::io::Read;
use std::path::Path;

/// Most bytes of a picture that are read to find its size: its head, with the colour profile and the notes of a camera.
const HEAD_MAX: u64 = 256 * 1024;
/// Bytes that tell a file's type.
const START: u64 = 64;

/// The facts of a file under a root: length, type by its first bytes, and the size of a picture.
pub fn facts(root: &Path, path: &str) -> Option<FileFacts> {
    let whole = root.join(path.trim_start_matches('/'));
    let metadata = fs::metadata(&whole).ok().filter(Metadata::is_file)?;
    let mut head = Vec::new();
    let file = open(&whole).ok();
    if let Some(mut file) = file {
        let read = (&mut file).take(START).read_to_end(&mut head);
        if read.is_ok() && media_type(&head, path).starts_with("image/") {
            // What cannot be read is a picture of unknown size.
            let _ = file.take(HEAD_MAX - START).read_to_end(&mut head);
        }
    }
    let media_type = media_type(&head, path).to_owned();
    let pixels = media_type.starts_with("image/").then(|| pixels(&head)).flatten();
    Some(FileFacts { length: metadata.len(), media_type, pixels })
}

/// Width and height of a picture by its head, in pixels.
fn pixels(head: &[u8]) -> Option<Pixels> {
    let size = imagesize::blob_size(head).ok()?;
    let (width, height) = (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?);
    (width > 0 && height > 0).then_some(Pixels { width, height })
}

/// The media type of a file by its first bytes; by its name where they do not tell.
fn media_type(head: &[u8], path: &str) -> &'static str {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    match head {
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => "audio/wav",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => "image/avif",
        [_, _, _, _, b'f', b't', b'y', b'p', b'M', b'4', b'A', ..] => "audio/mp4",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
        [b'I', b'D', b'3', ..] | [0xFF, 0xFB | 0xF3 | 0xF2, ..] => "audio/mpeg",
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "video/webm",
        [b'B', b'M', ..] if extension == "bmp" => "image/bmp",
        [b'P', b'K', 3, 4, ..] => match extension.as_str() {
            "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "odt" => "application/vnd.oasis.opendocument.text",
            "ods" => "application/vnd.oasis.opendocument.spreadsheet",
            "odp" => "application/vnd.oasis.opendocument.presentation",
            "epub" => "application/epub+zip",
            _ => "application/zip",
        },
        _ => match extension.as_str() {
            "svg" => "image/svg+xml",
            "jpg" | "jpeg" => "image/jpeg",
            "png" => "image/png",
            "gif" => "image/gif",
            "webp" => "image/webp",
            "avif" => "image/avif",
            "pdf" => "application/pdf",
            "mp3" => "audio/mpeg",
            "m4a" => "audio/mp4",
            "ogg" | "oga" | "opus" => "audio/ogg",
            "wav" => "audio/wav",
            "mp4" | "m4v" => "video/mp4",
            "webm" => "video/webm",
            "ics" => "text/calendar",
            "vtt" => "text/vtt",
            "html" | "htm" => "text/html",
            "csv" => "text/csv",
            "txt" => "text/plain",
            "json" => "application/json",
            "xml" => "application/xml",
            _ => "application/octet-stream",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_bytes_and_a_picture_has_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02\0\0\0".to_vec();
        png.extend([0; 100]);
        std::fs::write(folder.path().join("a.jpg"), &png).unwrap();
        std::fs::write(folder.path().join("b.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        std::fs::write(folder.path().join("c.docx"), b"PK\x03\x04rest").unwrap();
        std::fs::write(folder.path().join("d"), b"").unwrap();
        let facts = |name: &str| facts(folder.path(), name).map(|facts| (facts.length, facts.media_type, facts.pixels));
        let size = Some(Pixels { width: 640, height: 480 });
        assert_eq!(facts("a.jpg"), Some((png.len() as u64, "image/png".to_owned(), size)));
        assert_eq!(facts("b.png"), Some((8, "image/png".to_owned(), None)));
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert_eq!(facts("c.docx"), Some((8, word.to_owned(), None)));
        assert_eq!(facts("d"), Some((0, "application/octet-stream".to_owned(), None)));
        assert_eq!(facts("e"), None);
    }
}
