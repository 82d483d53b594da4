//! `network: mattermost`, `slack`, `discord`, `teams`, `telegram`: a channel, reached through an incoming hook or by a bot.

use super::fields::Fields;
use crate::secret::{SafeUrl, Secret};
use url::Url;

/// How a channel is reached.
#[derive(Debug, Clone)]
pub enum Channel {
    /// By its incoming hook: whoever knows the address may post. Posts cannot be found again.
    Hook(SafeUrl),
    /// By a bot, which can look at what it posted.
    Bot(Bot),
}

/// A bot, and the channel that it posts in.
#[derive(Debug, Clone)]
pub struct Bot {
    /// Address of the network's server.
    pub server: Url,
    /// Token of the bot.
    pub token: Secret,
    /// The channel, as the network names it to programs.
    pub channel: String,
}

/// What a network says of its channels.
pub(super) struct Kind {
    /// The network's own server; None if everyone has their own.
    pub server: Option<&'static str>,
    /// Whether a text names a channel.
    pub names: fn(&str) -> bool,
    /// How a channel is named, for a person.
    pub cure: &'static str,
}

pub(super) const MATTERMOST: Kind = Kind {
    server: None,
    names: |text| text.len() == 26 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
    cure: "write the channel's id (26 letters and digits): its name in the web page, View Info, shows it",
};

pub(super) const SLACK: Kind = Kind {
    server: Some("https://slack.com"),
    names: |text| {
        text.starts_with(['C', 'G', 'D']) && text.len() > 8 && text.bytes().all(|b| b.is_ascii_alphanumeric())
    },
    cure: "write the channel's id, such as C0123ABCDEF: the end of the channel's details shows it",
};

pub(super) const DISCORD: Kind = Kind {
    server: Some("https://discord.com"),
    names: |text| (15..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()),
    cure: "write the channel's id in quotes: turn on Developer Mode, then Copy Channel ID in the channel's menu",
};

pub(super) const TELEGRAM: Kind = Kind {
    server: Some("https://api.telegram.org"),
    names: |text| {
        let is_name = |name: &str| name.len() >= 4 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        text.strip_prefix('@').is_some_and(is_name) || text.parse::<i64>().is_ok_and(|id| id != 0)
    },
    cure: "write the channel's public name, such as \"@agence\", or its number, such as \"-1001234567890\", in quotes",
};

/// Reads a channel that has a hook or a bot.
pub(super) fn read(fields: &mut Fields, kind: &Kind) -> Option<Channel> {
    if fields.raw.hook.is_none() && fields.raw.hook_file.is_none() {
        if fields.raw.token.is_none() && fields.raw.token_file.is_none() {
            let cure = "write hook: ${HOOK} (or hook_file) for an incoming hook, or token: and channel: for a bot";
            fields.missing("hook", cure);
            return None;
        }
        return bot(fields, kind).map(Channel::Bot);
    }
    hook(fields).map(Channel::Hook)
}

/// Reads a bot and its channel.
pub(super) fn bot(fields: &mut Fields, kind: &Kind) -> Option<Bot> {
    let server = fields.server(kind.server);
    let (token, file) = (fields.raw.token.take(), fields.raw.token_file.take());
    let token = fields.secret("token", token, file);
    let channel = match fields.raw.channel.take().map(|channel| channel.trim().to_owned()) {
        Some(channel) if (kind.names)(&channel) => Some(channel),
        Some(_) => {
            fields.mistake("channel", "this does not name a channel", kind.cure);
            None
        }
        None => {
            fields.missing("channel", kind.cure);
            None
        }
    };
    Some(Bot { server: server?, token: token?, channel: channel? })
}

/// Reads the address of an incoming hook: a secret.
pub(super) fn hook(fields: &mut Fields) -> Option<SafeUrl> {
    let (hook, file) = (fields.raw.hook.take(), fields.raw.hook_file.take());
    let hook = fields.secret("hook", hook, file)?;
    // A variable that is not set is reported already.
    if hook.expose() == "unset" {
        return None;
    }
    match SafeUrl::parse(hook.expose()) {
        Ok(hook) => {
            if hook.expose().scheme() == "http" && fields.raw.allow_private != Some(true) {
                let cure = "give it with https://, or write allow_private: true for a server on a private network";
                fields.mistake("hook", "its address would be sent over plain http", cure);
            }
            Some(hook)
        }
        Err(message) => {
            fields.mistake("hook", &message, "give the whole address of the hook, as the network shows it");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_told_from_other_texts() {
        for (kind, good, bad) in [
            (&MATTERMOST, "ufm5ubo3ubg8mfdqnrw7ar1kya", "town-square"),
            (&SLACK, "C0123ABCDEF", "#annonces"),
            (&DISCORD, "1234567890123456789", "annonces"),
            (&TELEGRAM, "@agence_fr", "agence"),
            (&TELEGRAM, "-1001234567890", "@a b"),
        ] {
            assert!((kind.names)(good), "{good}");
            assert!(!(kind.names)(bad), "{bad}");
        }
    }
}
