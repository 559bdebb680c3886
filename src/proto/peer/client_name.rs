//! Which client a peer runs, for display (BEP 20).

use crate::base::PeerId;

/// Two-letter codes of Azureus-style ids (`-XX1234-`).
const AZUREUS: &[(&[u8; 2], &str)] = &[
    (b"7T", "aTorrent"),
    (b"A~", "Ares"),
    (b"AG", "Ares"),
    (b"AR", "Arctic"),
    (b"AV", "Avicora"),
    (b"AX", "BitPump"),
    (b"AZ", "Azureus"),
    (b"BB", "BitBuddy"),
    (b"BC", "BitComet"),
    (b"BF", "Bitflu"),
    (b"BG", "BTGetit"),
    (b"BI", "BiglyBT"),
    (b"BR", "BitRocket"),
    (b"BT", "BitTorrent"),
    (b"BW", "BitWombat"),
    (b"CD", "Enhanced CTorrent"),
    (b"CT", "CTorrent"),
    (b"DE", "Deluge"),
    (b"EB", "EBit"),
    (b"FD", "Free Download Manager"),
    (b"FG", "FlashGet"),
    (b"FL", "Flud"),
    (b"FW", "FrostWire"),
    (b"GT", "go.torrent"),
    (b"HL", "Halite"),
    (b"IL", "iLivid"),
    (b"KG", "KGet"),
    (b"KT", "KTorrent"),
    (b"LP", "Lphant"),
    (b"LT", "libtorrent"),
    (b"LW", "LimeWire"),
    (b"MO", "MonoTorrent"),
    (b"NB", "Net::BitTorrent"),
    (b"OS", "OneSwarm"),
    (b"PC", "CacheLogic"),
    (b"PI", "PicoTorrent"),
    (b"QD", "QQDownload"),
    (b"SB", "Swiftbit"),
    (b"SD", "Xunlei"),
    (b"SP", "BitSpirit"),
    (b"ST", "SymTorrent"),
    (b"TL", "Tribler"),
    (b"TN", "libtern"),
    (b"TR", "Transmission"),
    (b"TS", "Torrentstorm"),
    (b"TT", "TuoTu"),
    (b"UM", "uTorrent Mac"),
    (b"UT", "uTorrent"),
    (b"UW", "uTorrent Web"),
    (b"VG", "Vagaa"),
    (b"WD", "WebTorrent Desktop"),
    (b"WW", "WebTorrent"),
    (b"WY", "FireTorrent"),
    (b"XF", "Xfplay"),
    (b"XL", "Xunlei"),
    (b"XT", "XanTorrent"),
    (b"ZT", "ZipTorrent"),
    (b"lt", "rTorrent"),
    (b"qB", "qBittorrent"),
    (b"rT", "rTorrent"),
    (b"st", "sharktorrent"),
    (b"tT", "tTorrent"),
];

/// Letters of Shadow-style ids (`X1230--...`).
const SHADOW: &[(u8, &str)] = &[
    (b'A', "ABC"),
    (b'O', "Osprey Permaseed"),
    (b'Q', "BTQueue"),
    (b'R', "Tribler"),
    (b'S', "Shadow"),
    (b'T', "BitTornado"),
    (b'U', "UPnP NAT"),
];

/// Ids that follow neither custom: what they start with.
const OTHERS: &[(&[u8], &str)] = &[
    (b"-aria2-", "aria2"),
    (b"A2-", "aria2"),
    (b"-ML", "MLdonkey"),
    (b"-BOW", "Bits on Wheels"),
    (b"exbc", "BitComet"),
    (b"FUTB", "BitComet"),
    (b"xUTB", "BitComet"),
    (b"XBT", "XBT"),
    (b"OP", "Opera"),
    (b"Plus", "Plus!"),
    (b"Mbrst", "burst!"),
    (b"turbobt", "TurboBT"),
    (b"btpd", "BT Protocol Daemon"),
];

/// A name and version to show for a peer: `v` of its extension handshake when it sent one (already
/// made printable), else what its id says by the customs of BEP 20, else `unknown`. Peers say what
/// they like: nothing but display may depend on it.
#[must_use]
pub fn client_name(peer_id: &PeerId, v: Option<&str>) -> String {
    if let Some(v) = v.map(str::trim).filter(|v| !v.is_empty()) {
        return v.to_owned();
    }
    let id = &peer_id.0;
    if let Some(name) = mainline(id) {
        return name;
    }
    if let Some((prefix, name)) = OTHERS.iter().find(|(prefix, _)| id.starts_with(prefix)) {
        // aria2 spells its version out: `A2-1-36-0-`.
        let rest = id.get(prefix.len()..).unwrap_or_default();
        return if *prefix == b"A2-" { format!("{name} {}", dashed(rest)) } else { (*name).into() };
    }
    azureus(id).or_else(|| shadow(id)).unwrap_or_else(|| "unknown".to_owned())
}

/// `M1-2-3--`: the original client and its relatives spell their version with dashes.
fn mainline(id: &[u8; 20]) -> Option<String> {
    let (first, rest) = id.split_first()?;
    let name = match first {
        b'M' => "BitTorrent",
        b'Q' => "Queen Bee",
        _ => return None,
    };
    let version = rest.get(..7)?;
    let legal = version.first()?.is_ascii_digit()
        && version.contains(&b'-')
        && version.iter().all(|b| b.is_ascii_digit() || *b == b'-');
    legal.then(|| format!("{name} {}", dashed(version)))
}

/// The numbers before the first empty one, with dots.
fn dashed(version: &[u8]) -> String {
    let numbers = version
        .split(|b| *b == b'-')
        .take_while(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    numbers.map(String::from_utf8_lossy).collect::<Vec<_>>().join(".")
}

/// `-XX1234-`: two characters and four of version.
fn azureus(id: &[u8; 20]) -> Option<String> {
    let [b'-', a, b, version @ .., b'-'] = id.first_chunk::<8>()? else { return None };
    let version = version.first_chunk::<4>()?;
    let code = [*a, *b];
    if !code.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let known =
        AZUREUS.iter().find(|(known, _)| **known == code).map(|(_, name)| (*name).to_owned());
    let name = known.unwrap_or_else(|| String::from_utf8_lossy(&code).into_owned());
    // Transmission: `-TR3000-` is 3.00 until 3.x, `-TR4060-` is 4.0.6 since.
    if &code == b"TR"
        && let [major @ b'0'..=b'3', tens, units, _] = version
        && version.iter().all(u8::is_ascii_digit)
    {
        let [major, tens, units] = [major, tens, units].map(|b| char::from(*b));
        return Some(format!("{name} {major}.{tens}{units}"));
    }
    let digits: Option<Vec<String>> = version.iter().map(|b| digit(*b)).collect();
    let Some(mut digits) = digits else { return Some(name) };
    while digits.len() > 2 && digits.last().is_some_and(|last| last == "0") {
        digits.pop();
    }
    Some(format!("{name} {}", digits.join(".")))
}

/// `X123-----...`: one character and up to five of version, filled with dashes.
fn shadow(id: &[u8; 20]) -> Option<String> {
    let (first, rest) = id.split_first()?;
    let name = SHADOW.iter().find(|(letter, _)| letter == first)?.1;
    let version = rest.first_chunk::<5>()?;
    let used = version.iter().position(|b| *b == b'-').unwrap_or(version.len());
    let (digits, fill) = version.split_at_checked(used)?;
    if digits.is_empty() || fill.iter().any(|b| *b != b'-') || rest.get(5..8)? != b"---" {
        return None;
    }
    let digits: Option<Vec<String>> = digits.iter().map(|b| digit(*b)).collect();
    Some(format!("{name} {}", digits?.join(".")))
}

/// One character of a version: `0-9`, then letters from 10 on.
fn digit(byte: u8) -> Option<String> {
    match byte {
        b'0'..=b'9' => Some((byte - b'0').to_string()),
        b'A'..=b'Z' => Some((byte - b'A' + 10).to_string()),
        b'a'..=b'z' => Some((byte - b'a' + 36).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &[u8]) -> String {
        let mut bytes = [b'x'; 20];
        bytes[..id.len()].copy_from_slice(id);
        client_name(&PeerId(bytes), None)
    }

    #[test]
    fn ids_of_real_clients() {
        assert_eq!(name(b"-qB4650-"), "qBittorrent 4.6.5");
        assert_eq!(name(b"-LT20B0-"), "libtorrent 2.0.11");
        assert_eq!(name(b"-TR3000-"), "Transmission 3.00");
        assert_eq!(name(b"-TR2940-"), "Transmission 2.94");
        assert_eq!(name(b"-TR4060-"), "Transmission 4.0.6");
        assert_eq!(name(b"-lt0D80-"), "rTorrent 0.13.8");
        assert_eq!(name(b"-TN0010-"), "libtern 0.0.1");
        assert_eq!(name(b"A2-1-36-0-"), "aria2 1.36.0");
        assert_eq!(name(b"M7-10-5-"), "BitTorrent 7.10.5");
        assert_eq!(name(b"T03I-----"), "BitTornado 0.3.18");
        assert_eq!(name(b"S58B-----"), "Shadow 5.8.11");
    }

    #[test]
    fn strange_ids() {
        assert_eq!(name(b"-ZZ1234-"), "ZZ 1.2.3.4");
        assert_eq!(name(b"-UT12\xff4-"), "uTorrent");
        assert_eq!(name(b"-\xff\xfe1234-"), "unknown");
        assert_eq!(name(&[0; 20]), "unknown");
        assert_eq!(name(b"Mxxxxxxx"), "unknown");
        assert_eq!(client_name(&PeerId([0; 20]), Some("Some 1.0")), "Some 1.0");
        assert_eq!(client_name(&PeerId(*b"-LT20B0-xxxxxxxxxxxx"), Some(" ")), "libtorrent 2.0.11");
    }
}
