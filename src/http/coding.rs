//! The compressed forms of documents. It takes its time: off the async threads.

use crate::feed::conditional::Coding;
use brotli::enc::BrotliEncoderParams;
use brotli::enc::backward_references::BrotliEncoderMode;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// How hard Brotli tries, of 11: beyond, a form takes many times as long to make and is hardly smaller (the figures stand
/// in `docs/performance.md`).
const BROTLI_QUALITY: i32 = 9;
/// The same of gzip, of 9.
const GZIP_LEVEL: u32 = 9;

/// A document in a coding, the same bytes for the same document: no time stamp, no name. None if that is not smaller, or
/// cannot be made; then the document is sent as it is.
pub fn packed(body: &[u8], coding: Coding) -> Option<Vec<u8>> {
    let packed = match coding {
        Coding::Identity => return None,
        Coding::Gzip => gzip(body),
        Coding::Brotli => brotli(body),
    };
    packed.filter(|packed| packed.len() < body.len())
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
    use std::io::Read;

    #[test]
    fn both_forms_unpack_to_the_document_and_are_the_same_each_time() {
        let body = "<item><title>Un titre</title></item>\n".repeat(100).into_bytes();
        for coding in [Coding::Gzip, Coding::Brotli] {
            let small = packed(&body, coding).unwrap();
            assert_eq!(packed(&body, coding).unwrap(), small);
            let mut unpacked = Vec::new();
            match coding {
                Coding::Gzip => flate2::read::GzDecoder::new(&*small).read_to_end(&mut unpacked).unwrap(),
                _ => brotli::Decompressor::new(&*small, 4_096).read_to_end(&mut unpacked).unwrap(),
            };
            assert_eq!(unpacked, body);
            assert_eq!(packed(b"x", coding), None);
        }
        assert_eq!(packed(&body, Coding::Identity), None);
    }
}
