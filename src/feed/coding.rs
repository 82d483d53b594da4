//! The compressed forms of documents. It takes its time: off the async threads.

use super::conditional::Coding;
use brotli::enc::BrotliEncoderParams;
use brotli::enc::backward_references::BrotliEncoderMode;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use std::io::{Read, Write};

/// How hard Brotli tries, of 11: beyond, a form takes many times as long to make and is hardly smaller (the figures stand
/// in `docs/performance.md`).
const BROTLI_QUALITY: i32 = 6;
/// The same of gzip, of 9.
const GZIP_LEVEL: u32 = 6;

/// A document in a coding, the same bytes for the same document: no time stamp, no name. None if that is not smaller, or
/// cannot be made; then the document is sent as it is.
pub fn packed(body: &[u8], coding: Coding) -> Option<Vec<u8>> {
    compressed(body, coding).filter(|packed| packed.len() < body.len())
}

/// The same, however large it is. None if it cannot be made.
pub fn compressed(body: &[u8], coding: Coding) -> Option<Vec<u8>> {
    match coding {
        Coding::Identity => None,
        Coding::Gzip => gzip(body),
        Coding::Brotli => brotli(body),
    }
}

/// Whether bytes in a coding are exactly this document. Another version may have compressed it to other bytes.
pub fn unpacks_to(packed: &[u8], coding: Coding, body: &[u8]) -> bool {
    let same = |decoder: &mut dyn Read| {
        let mut unpacked = Vec::with_capacity(body.len());
        // Never asked for more than that: a few bytes may unpack to gigabytes.
        decoder.take(body.len() as u64 + 1).read_to_end(&mut unpacked).is_ok() && unpacked == body
    };
    match coding {
        Coding::Identity => packed == body,
        Coding::Gzip => same(&mut GzDecoder::new(packed)),
        Coding::Brotli => same(&mut brotli::Decompressor::new(packed, 4_096)),
    }
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(GZIP_LEVEL));
    encoder.write_all(body).and_then(|()| encoder.finish()).ok()
}

fn brotli(body: &[u8]) -> Option<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        mode: BrotliEncoderMode::BROTLI_MODE_TEXT,
        size_hint: body.len(),
        ..BrotliEncoderParams::default()
    };
    let mut packed = Vec::with_capacity(body.len() / 4);
    brotli::BrotliCompress(&mut &*body, &mut packed, &parameters).ok()?;
    Some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_unpack_to_the_document_and_are_the_same_each_time() {
        let body = "<item><title>Un titre</title></item>\n".repeat(100).into_bytes();
        for coding in [Coding::Gzip, Coding::Brotli] {
            let small = packed(&body, coding).unwrap();
            assert_eq!(packed(&body, coding).unwrap(), small);
            assert!(unpacks_to(&small, coding, &body));
            assert!(!unpacks_to(&small, coding, &body[1..]) && !unpacks_to(&small[1..], coding, &body));
            assert_eq!(packed(b"x", coding), None);
        }
        assert_eq!(packed(&body, Coding::Identity), None);
        assert!(unpacks_to(&body, Coding::Identity, &body));
    }
}
