//! Lengths of time as people write them in the configuration: `30s`, `5m`, `1h`, `7d`, `2w`, `1d12h`.

use jiff::{SignedDuration, Timestamp};

/// Reads a length of time. A day is 24 hours. Errors say what is expected.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let expected =
        || format!("`{text}` is not a length of time; write a number and s, m, h, d or w, such as 30m or 7d");
    let mut seconds: i64 = 0;
    let mut number = String::new();
    let mut units = 0;
    for c in text.trim().chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return Err(expected()),
        };
        let amount: i64 = number.parse().map_err(|_| expected())?;
        seconds = amount.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(expected)?;
        number.clear();
        units += 1;
    }
    // A hundred years bounds every sum of an instant and a length.
    if units == 0 || !number.is_empty() || seconds > 100 * 366 * 86_400 {
        return Err(expected());
    }
    Ok(SignedDuration::from_secs(seconds))
}

/// The instant so long after another, or the last one there is.
pub fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The length as people write it: `1h30m`.
pub fn show(length: SignedDuration) -> String {
    let mut rest = length.as_secs().max(0);
    let mut text = String::new();
    for (unit, name) in [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')] {
        if rest >= unit {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("30m", 1_800, "30m"),
            ("7d", 604_800, "7d"),
            ("0s", 0, "0s"),
            ("1d12h", 129_600, "1d12h"),
            ("2w", 1_209_600, "14d"),
        ] {
            let length = parse(text).unwrap();
            assert_eq!((length.as_secs(), show(length).as_str()), (seconds, shown));
        }
        for text in ["", "30", "m", "-5m", "1y", "99999999999999999999s", "5 m"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
