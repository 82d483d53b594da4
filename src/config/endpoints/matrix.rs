//! `network: matrix`: a room on a Matrix homeserver.

use super::fields::Fields;
use crate::config::raw::RawMessage;
use crate::secret::Secret;
use url::Url;

/// A room of Matrix, and the account that speaks in it.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Address of the account's homeserver, for clients.
    pub server: Url,
    /// Access token of one device, which must not be logged out.
    pub token: Secret,
    /// The room: `!id:server` or an alias, `#name:server`.
    pub room: String,
    /// What the messages are.
    pub message: MessageKind,
}

/// What a message is to those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// From a machine: no other machine answers it.
    Notice,
    /// As from a person.
    Text,
}

impl MessageKind {
    /// The `msgtype` of Matrix.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "m.notice",
            Self::Text => "m.text",
        }
    }
}

/// Reads the keys of a room.
pub(super) fn read(fields: &mut Fields) -> Option<Matrix> {
    let server = fields.server(None);
    let (token, file) = (fields.raw.token.take(), fields.raw.token_file.take());
    let token = fields.secret("token", token, file);
    let cure = "write the room as its settings show it, such as \"#annonces:matrix.example.fr\", in quotes";
    let room = match fields.raw.room.take().map(|room| room.trim().to_owned()) {
        // Newer rooms have ids without a server (room version 12).
        Some(room) if room.len() > 1 && (room.starts_with('!') || room.starts_with('#') && room.contains(':')) => {
            Some(room)
        }
        Some(_) => {
            fields.mistake("room", "this is neither the id nor the alias of a room", cure);
            None
        }
        None => {
            fields.missing("room", cure);
            None
        }
    };
    let message = match fields.raw.message.take() {
        Some(RawMessage::Text) => MessageKind::Text,
        Some(RawMessage::Notice) | None => MessageKind::Notice,
    };
    Some(Matrix { server: server?, token: token?, room: room?, message })
}
