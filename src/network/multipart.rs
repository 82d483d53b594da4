//! Bodies of forms with files (`multipart/form-data`, RFC 7578). Pure: the same form has the same bytes.

use crate::digest;

/// A file of a form.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// The field.
    pub field: &'a str,
    /// The name that the other side sees.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// The `Content-Type` and the body of a form: its fields in order, then its files.
pub fn form(fields: &[(&str, &str)], files: &[File]) -> (String, Vec<u8>) {
    let boundary = boundary(fields, files);
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n", quoted(name));
        body.extend(head.as_bytes());
        body.extend(value.as_bytes());
        body.extend(b"\r\n");
    }
    for file in files {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            quoted(file.field),
            quoted(file.name),
            file.media_type.replace(['\r', '\n'], "")
        );
        body.extend(head.as_bytes());
        body.extend(file.bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// What parts are told apart by: it stands in none of them, since it is made of all of them.
fn boundary(fields: &[(&str, &str)], files: &[File]) -> String {
    let mut all: Vec<String> = fields.iter().map(|(name, value)| digest::hex(format!("{name}\n{value}"), 32)).collect();
    all.extend(files.iter().map(|file| digest::hex(file.bytes, 32)));
    format!("crieur-{}", digest::hex(all.join("\n"), 20))
}

/// A name within quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_its_fields_and_files_as_they_are() {
        let file = File { field: "file", name: "a\"b.png", media_type: "image/png", bytes: b"\x89PNG\r\n" };
        let (kind, body) = form(&[("description", "Légende\nsur deux lignes")], &[file]);
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8_lossy(&body);
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\nLégende\nsur deux lignes\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22b.png\"\r\nContent-Type: image/png\r\n\r\n"
        );
        assert!(text.starts_with(&expected), "{text}");
        let end = [&b"\x89PNG\r\n\r\n--"[..], boundary.as_bytes(), b"--\r\n"].concat();
        assert!(body.ends_with(&end), "{text}");
        assert_eq!(form(&[], &[file]), form(&[], &[file]));
    }
}
