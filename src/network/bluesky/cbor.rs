//! Names of records: what a record's bytes are (DAG-CBOR), and the CID that the server will give it. A thread can so be
//! written as a whole, each post naming the one before it (ipld.io/specs/codecs/dag-cbor; atproto.com/specs/data-model).

use base64::Engine;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// CIDv1, codec dag-cbor, hash sha2-256 of 32 bytes.
const OF_A_RECORD: [u8; 4] = [0x01, 0x71, 0x12, 0x20];
/// The alphabet of base32 in lower case (RFC 4648), which CIDs are written in.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The CID of a record, as text.
///
/// Errors: the record holds a number with a fraction, or a link that is no CID; neither is allowed in records.
pub fn cid(record: &Value) -> Result<String, String> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes)?;
    let cid = [&OF_A_RECORD[..], &Sha256::digest(&bytes)].concat();
    Ok(format!("b{}", to_base32(&cid)))
}

/// Writes a value in DAG-CBOR: one form only, so that one record has one CID. Links and bytes stand in JSON as
/// `{"$link": CID}` and `{"$bytes": BASE64}`.
fn encode(value: &Value, into: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Null => into.push(0xf6),
        Value::Bool(is_true) => into.push(if *is_true { 0xf5 } else { 0xf4 }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => head(0, number, into),
            (None, Some(number)) => head(1, number.unsigned_abs() - 1, into),
            (None, None) => return Err(format!("a record cannot hold the number {number}")),
        },
        Value::String(text) => {
            head(3, text.len() as u64, into);
            into.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, into);
            for item in items {
                encode(item, into)?;
            }
        }
        Value::Object(pairs) => {
            if let Some(Value::String(link)) = pairs.get("$link").filter(|_| pairs.len() == 1) {
                return encode_link(link, into);
            }
            if let Some(Value::String(bytes)) = pairs.get("$bytes").filter(|_| pairs.len() == 1) {
                let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(bytes.trim_end_matches('='));
                let bytes = bytes.map_err(|_| "a record holds bytes that are not in base64".to_owned())?;
                head(2, bytes.len() as u64, into);
                into.extend(bytes);
                return Ok(());
            }
            let mut pairs: Vec<(&String, &Value)> = pairs.iter().collect();
            // Shorter keys come first.
            pairs.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
            head(5, pairs.len() as u64, into);
            for (name, value) in pairs {
                head(3, name.len() as u64, into);
                into.extend(name.as_bytes());
                encode(value, into)?;
            }
        }
    }
    Ok(())
}

/// Tag 42, with the CID's bytes after a zero.
fn encode_link(link: &str, into: &mut Vec<u8>) -> Result<(), String> {
    let cid = link.strip_prefix('b').and_then(from_base32).ok_or_else(|| format!("`{link}` is no CID"))?;
    into.extend([0xd8, 42]);
    head(2, cid.len() as u64 + 1, into);
    into.push(0);
    into.extend(cid);
    Ok(())
}

/// The head of an item: its major type, and its number or length in the shortest form.
fn head(major: u8, number: u64, into: &mut Vec<u8>) {
    let major = major << 5;
    match number {
        0..24 => into.push(major | number.to_le_bytes()[0]),
        24..0x100 => into.extend([major | 24, number.to_le_bytes()[0]]),
        0x100..0x1_0000 => {
            into.push(major | 25);
            into.extend(&number.to_be_bytes()[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            into.push(major | 26);
            into.extend(&number.to_be_bytes()[4..]);
        }
        _ => {
            into.push(major | 27);
            into.extend(number.to_be_bytes());
        }
    }
}

fn to_base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(BASE32[(held << (5 - bits) & 31) as usize]));
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let digit = BASE32.iter().position(|known| *known == letter)?;
        held = held << 5 | u32::try_from(digit).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits).to_le_bytes()[0]);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hex(value: &Value) -> String {
        let mut bytes = Vec::new();
        encode(value, &mut bytes).unwrap();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn values_have_one_form_each() {
        // The examples of RFC 8949, appendix A.
        for (value, expected) in [
            (json!(0), "00"),
            (json!(23), "17"),
            (json!(24), "1818"),
            (json!(1000), "1903e8"),
            (json!(1_000_000), "1a000f4240"),
            (json!(1_000_000_000_000_u64), "1b000000e8d4a51000"),
            (json!(-1), "20"),
            (json!(-100), "3863"),
            (json!(null), "f6"),
            (json!(true), "f5"),
            (json!("ü"), "62c3bc"),
            (json!([1, [2, 3]]), "8201820203"),
            // Shorter keys come first.
            (json!({"bb": 1, "a": 2, "c": 3}), "a361610261630362626201"),
        ] {
            assert_eq!(hex(&value), expected);
        }
        assert!(encode(&json!(1.5), &mut Vec::new()).is_err());
    }

    #[test]
    fn known_records_have_their_known_names() {
        // The CIDs of `{}` and `{"hello":"world"}` in DAG-CBOR, as the IPLD documentation and tools give them.
        assert_eq!(cid(&json!({})).unwrap(), "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua");
        let link = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
        assert_eq!(to_base32(&from_base32(&link[1..]).unwrap()), &link[1..]);
        assert!(cid(&json!({ "$link": "no cid" })).is_err());
        assert!(cid(&json!({ "a": { "$link": link } })).unwrap().starts_with("bafyrei"));
    }
}
