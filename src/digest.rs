//! SHA-256 of what identifies content, shortened to what its place needs.

use sha2::{Digest, Sha256};

/// The first bytes of a digest in hexadecimal, two characters each.
pub fn hex(content: impl AsRef<[u8]>, bytes: usize) -> String {
    Sha256::digest(content).iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

/// The first eight bytes of a digest as a number.
pub fn number(content: impl AsRef<[u8]>) -> u64 {
    Sha256::digest(content).iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
