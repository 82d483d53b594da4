//! Small pure functions on text that feeds, posts and addresses share.

use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Whether a character may stand in an XML 1.0 document (XML 1.0, section 2.2, `Char`).
pub fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a character is one for readers: XML allows it, and it is neither of the second row of control characters,
/// which readers take for letters of Windows, nor a code point that is no character (Unicode, section 23.7), nor the
/// mark that a character is lost (`BadCharacters` of the W3C validator), nor that of the order of bytes.
fn is_sound(c: char) -> bool {
    let is_none = u32::from(c) & 0xFFFE == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}');
    is_xml(c) && !is_none && !matches!(c, '\u{7F}'..='\u{9F}' | '\u{FEFF}' | '\u{FFFD}')
}

/// So many of something, in English: `1 article`, `2 articles`, `2 deliveries`.
pub fn counted(count: usize, one: &str) -> String {
    match (count, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {one}s"),
    }
}

/// The text without what no document should hold, with line ends as `\n`. A lost character becomes a question mark.
/// Feed libraries write such characters as they are, and many readers then refuse the document.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| is_sound(c) && c != '\r') {
        return Cow::Borrowed(text);
    }
    let unix = text.replace("\r\n", "\n").replace(['\r', '\u{85}'], "\n").replace('\u{FFFD}', "?");
    Cow::Owned(unix.chars().filter(|c| is_sound(*c)).collect())
}

/// Whether a text shows a reader nothing: white space, and what only says how to set other characters.
pub fn is_blank(text: &str) -> bool {
    let shows_nothing = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
            || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
    };
    text.chars().all(shows_nothing)
}

/// One line: every run of white space that may break a line becomes one space. No-break spaces stay, since French
/// typography needs them.
pub fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{202F}' | '\u{2007}');
    let mut line = String::with_capacity(text.len());
    for word in text.split(breaks).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// A name for addresses: lower-case ASCII letters and digits with single hyphens, `Journée d'échanges` →
/// `journee-d-echanges`. A text without any letter or digit gets a name made of its code points.
pub fn slug(text: &str) -> String {
    let composed: String = text.nfc().collect();
    let spoken = composed.replace('&', " et ").replace('+', " plus ");
    let mut slug = String::with_capacity(spoken.len());
    for c in deunicode::deunicode(&spoken).chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-').to_owned();
    if slug.is_empty() {
        let points: Vec<String> = text.chars().take(8).map(|c| format!("u{:x}", u32::from(c))).collect();
        return if points.is_empty() { "empty".to_owned() } else { points.join("-") };
    }
    slug
}

/// The name of a language in that language, as its readers look for it; the tag itself for one that is not listed.
pub fn language_name(tag: &str) -> &str {
    match tag.split('-').next().unwrap_or(tag) {
        "ar" => "العربية",
        "br" => "Brezhoneg",
        "ca" => "Català",
        "co" => "Corsu",
        "cs" => "Čeština",
        "da" => "Dansk",
        "de" => "Deutsch",
        "el" => "Ελληνικά",
        "en" => "English",
        "es" => "Español",
        "eu" => "Euskara",
        "fi" => "Suomi",
        "fr" => "Français",
        "it" => "Italiano",
        "ja" => "日本語",
        "ko" => "한국어",
        "nl" => "Nederlands",
        "oc" => "Occitan",
        "pl" => "Polski",
        "pt" => "Português",
        "ro" => "Română",
        "ru" => "Русский",
        "sv" => "Svenska",
        "tr" => "Türkçe",
        "uk" => "Українська",
        "vi" => "Tiếng Việt",
        "zh" => "中文",
        _ => tag,
    }
}

/// The languages of ISO 639-1 and 639-2, by code, which are those that the W3C validator knows.
const LANGUAGES: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el \
    en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu \
    ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na \
    nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so \
    sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu \
    aar abk ace ach ada ady afa afh afr ain aka akk alb ale alg alt amh ang anp apa ara arc arg arm arn arp art arw \
    asm ast ath aus ava ave awa aym aze bad bai bak bal bam ban baq bas bat bej bel bem ben ber bho bih bik bin bis \
    bla bnt bod bos bra bre btk bua bug bul bur byn cad cai car cat cau ceb cel ces cha chb che chg chi chk chm chn \
    cho chp chr chu chv chy cmc cop cor cos cpe cpf cpp cre crh crp csb cus cym cze dak dan dar day del den deu dgr \
    din div doi dra dsb dua dum dut dyu dzo efi egy eka ell elx eng enm epo est eus ewe ewo fan fao fas fat fij fil \
    fin fiu fon fra fre frm fro frr frs fry ful fur gaa gay gba gem geo ger gez gil gla gle glg glv gmh goh gon gor \
    got grb grc gre grn gsw guj gwi hai hat hau haw heb her hil him hin hit hmn hmo hrv hsb hun hup hye iba ibo ice \
    ido iii ijo iku ile ilo ina inc ind ine inh ipk ira iro isl ita jav jbo jpn jpr jrb kaa kab kac kal kam kan kar \
    kas kat kau kaw kaz kbd kha khi khm kho kik kin kir kmb kok kom kon kor kos kpe krc krl kro kru kua kum kur kut \
    lad lah lam lao lat lav lez lim lin lit lol loz ltz lua lub lug lui lun luo lus mac mad mag mah mai mak mal man \
    mao map mar mas may mdf mdr men mga mic min mis mkd mkh mlg mlt mnc mni mno moh mon mos mri msa mul mun mus mwl \
    mwr mya myn myv nah nai nap nau nav nbl nde ndo nds nep new nia nic niu nld nno nob nog non nor nqo nso nub nwc \
    nya nym nyn nyo nzi oci oji ori orm osa oss ota oto paa pag pal pam pan pap pau peo per phi phn pli pol pon por \
    pra pro pus que raj rap rar roa roh rom ron rum run rup rus sad sag sah sai sal sam san sas sat scn sco sel sem \
    sga sgn shn sid sin sio sit sla slk slo slv sma sme smi smj smn smo sms sna snd snk sog som son sot spa sqi srd \
    srn srp srr ssa ssw suk sun sus sux swa swe syc syr tah tai tam tat tel tem ter tet tgk tgl tha tib tig tir tiv \
    tkl tlh tli tmh tog ton tpi tsi tsn tso tuk tum tup tur tut tvl twi tyv udm uga uig ukr umb und urd uzb vai ven \
    vie vol vot wak wal war was wel wen wln wol xal xho yao yap yid yor ypk zap zbl zen zha zho znd zul zun zza";

/// A language tag (BCP 47) as a person writes it, with `-` for `_`; None if it is none, or of no language.
pub fn language_tag(given: &str) -> Option<String> {
    let tag = given.trim().replace('_', "-");
    let mut parts = tag.split('-');
    let first = parts.next()?.to_ascii_lowercase();
    let right = LANGUAGES.split(' ').any(|known| known == first)
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    right.then_some(tag)
}

/// Whether a language tag is that of some French.
pub fn is_french(language: &str) -> bool {
    language.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case("fr"))
}

/// Whether a text is a type and a subtype, and nothing else (RFC 6838, section 4.2).
pub fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

/// Whether a host is a name or a number: parsers of URLs let quotation marks and other signs through.
pub fn is_host(host: &str) -> bool {
    host.starts_with('[') || host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// Whether a host is one of the public net, by its form: names or numbers with points between them. The W3C validator
/// takes other addresses (`http://localhost/`) for none in some places.
pub fn is_dotted_host(host: &str) -> bool {
    let is_name =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    host.contains('.') && host.split('.').all(is_name)
}

/// The path behind the percent-encoding of a request's path. None if a slash is encoded: it parts nothing (RFC 3986,
/// section 2.2), so no path that is served is meant.
pub fn request_path(path: &str) -> Option<String> {
    let is_slash = |three: &[u8]| three.eq_ignore_ascii_case(b"%2f");
    (!path.as_bytes().windows(3).any(is_slash)).then(|| percent_decode(path))
}

/// The text behind percent-encoding; what is not valid encoding stays as it is.
pub fn percent_decode(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match encoded_byte(bytes, at) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn encoded_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let value = (bytes[at] == b'%').then(|| Some(digit(at + 1)? * 16 + digit(at + 2)?))??;
    u8::try_from(value).ok()
}

/// An address as people write it, with what may not stand in one encoded (RFC 3986, section 2): a `%` that encodes
/// nothing, and the characters that parsers of URLs let through. What is valid stays byte for byte.
pub fn repair_address(written: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii() || "|[]^`{}<>\"\\%".contains(c);
    if !written.contains(odd) {
        return Cow::Borrowed(written);
    }
    // The host of an absolute address is left to the parser of URLs.
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    let starts_host = |before: &str| before.is_empty() || before.strip_suffix(':').is_some_and(is_scheme);
    let host = written.find("//").filter(|at| starts_host(&written[..*at])).map(|at| at + 2);
    let end = host.map_or(0, |host| written[host..].find(['/', '?', '#']).map_or(written.len(), |end| host + end));
    let (host, rest) = written.split_at(end);
    let mut repaired = String::from(host);
    for (at, c) in rest.char_indices() {
        if !odd(c) || (c == '%' && encoded_byte(rest.as_bytes(), at).is_some()) {
            repaired.push(c);
        } else {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                repaired.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    Cow::Owned(repaired)
}

/// The text with a capital first letter; the rest stays, so that acronyms do.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Equal for a person: case, accents' encoding, apostrophes' shape and white space do not count.
pub fn folded(text: &str) -> String {
    one_line(&text.nfc().collect::<String>().replace('’', "'").replace(['\u{A0}', '\u{202F}'], " ")).to_lowercase()
}

/// Text for HTML content and attributes.
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slugs_are_ascii_and_speak() {
        for (text, expected) in [
            ("Journée d'échanges", "journee-d-echanges"),
            ("Journée d’échanges", "journee-d-echanges"),
            ("Echanges d'expériences", "echanges-d-experiences"),
            ("cloud au centre", "cloud-au-centre"),
            ("Numérique", "numerique"),
            ("Nume\u{301}rique", "numerique"),
            ("Cœur & âme", "coeur-et-ame"),
            ("TECH.GOUV", "tech-gouv"),
            ("«»", "uab-ubb"),
            ("", "empty"),
        ] {
            assert_eq!(slug(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_are_repaired_only_where_they_are_broken() {
        for (written, repaired) in [
            ("/uploads/Copie%20de%20Visuel%20(2).png", "/uploads/Copie%20de%20Visuel%20(2).png"),
            ("/uploads/Taux 50%.png", "/uploads/Taux%2050%25.png"),
            ("/uploads/l’État.png", "/uploads/l%E2%80%99%C3%89tat.png"),
            ("https://x.fr/a|b[1]?q=é", "https://x.fr/a%7Cb%5B1%5D?q=%C3%A9"),
            ("https://[::1]/a", "https://[::1]/a"),
            ("https://é.fr", "https://é.fr"),
            ("://[a^", "://%5Ba%5E"),
            ("[à voir | https://x.fr || rien]", "%5B%C3%A0%20voir%20%7C%20https://x.fr%20%7C%7C%20rien%5D"),
        ] {
            assert_eq!(repair_address(written), repaired);
        }
        assert_eq!(percent_decode("/flux%20d'actualit%C3%A9s%zz"), "/flux d'actualités%zz");
        assert_eq!(language_tag("fr_FR").as_deref(), Some("fr-FR"));
        assert_eq!(language_tag("gsw").as_deref(), Some("gsw"));
        for none in ["français", "<x>", "", "xq", "fr fr", "aa ab", "fr-", "fr-é"] {
            assert_eq!(language_tag(none), None, "{none}");
        }
    }

    #[test]
    fn a_text_that_nobody_sees_is_blank() {
        for text in ["", " ", "\u{200B}", "\u{FEFF}\u{202E}\n", "\u{E0041}", "\u{AD}\u{A0}"] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", ".", "\u{301}", "\u{200B}é"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn one_line_keeps_french_spaces() {
        assert_eq!(one_line(" « Cloud\u{202F}»\n  au\tcentre\u{A0}: \n"), "« Cloud\u{202F}» au centre\u{A0}:");
    }

    proptest! {
        #[test]
        fn a_slug_is_always_a_name(text in any::<String>()) {
            let slug = slug(&text);
            prop_assert!(!slug.is_empty());
            prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        }

        #[test]
        fn cleaned_text_is_xml(text in any::<String>()) {
            prop_assert!(clean(&text).chars().all(|c| is_sound(c) && c != '\r'));
        }
    }
}
