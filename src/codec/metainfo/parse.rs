//! From bencode to the types of the parent module.

use std::collections::HashMap;
use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::super::bencode::{Document, Value};
use super::super::names;
use super::{FileAttr, FileEntry, Info, Metainfo, MetainfoError, PieceHashes, RawPath};
use crate::base::{Geometry, InfoHash, SharedBytes, limits};

pub(super) fn metainfo(bytes: &SharedBytes) -> Result<Metainfo, MetainfoError> {
    let document = Document::parse(bytes)?;
    let root = document.root();
    if !root.is_dict() {
        return Err(MetainfoError::Invalid("metainfo"));
    }
    let info = info(bytes, root.get(b"info").ok_or(MetainfoError::Missing("info"))?)?;
    Ok(Metainfo {
        info: Arc::new(info),
        trackers: Arc::new(trackers(root)),
        url_list: strings(root.get(b"url-list")),
        nodes: nodes(root).unwrap_or_default(),
        comment: text(root, b"comment", b"comment.utf-8"),
        created_by: text(root, b"created by", b"created by.utf-8"),
        creation_date: root.get_int(b"creation date"),
    })
}

/// BEP 12: `announce-list` takes the place of `announce`, unless nothing is in it.
fn trackers(root: Value<'_, '_>) -> Vec<Vec<String>> {
    let list = root.get(b"announce-list").and_then(|list| list.as_list());
    // A bare string in place of a tier occurs in the wild: it is a tier of its own.
    let tiers = list.into_iter().flatten().map(|tier| strings(Some(tier)));
    let tiers: Vec<_> = tiers.filter(|tier| !tier.is_empty()).collect();
    if !tiers.is_empty() {
        return tiers;
    }
    let announce = strings(root.get(b"announce").filter(|v| v.as_bytes().is_some()));
    if announce.is_empty() { Vec::new() } else { vec![announce] }
}

/// A string or a list of strings: the non-empty UTF-8 ones, trimmed, without repetition.
fn strings(value: Option<Value<'_, '_>>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    let items = value.as_list().into_iter().flatten().chain(Some(value));
    let mut seen = std::collections::HashSet::new();
    items
        .filter_map(|item| item.as_str())
        .map(str::trim)
        .filter(|text| !text.is_empty() && seen.insert(*text))
        .map(str::to_owned)
        .collect()
}

/// BEP 5, torrent file extensions: `[[host, port], ...]`.
fn nodes(root: Value<'_, '_>) -> Option<Vec<(String, u16)>> {
    let list = root.get(b"nodes")?.as_list()?;
    let node = |value: Value<'_, '_>| {
        let mut pair = value.as_list()?;
        let host = pair.next()?.as_str().filter(|host| !host.is_empty())?.to_owned();
        let port = u16::try_from(pair.next()?.as_int()?).ok().filter(|port| *port > 0)?;
        Some((host, port))
    };
    Some(list.filter_map(node).collect())
}

/// Text for display: the UTF-8 variant when there is a valid one.
fn text(dict: Value<'_, '_>, key: &[u8], utf8_key: &[u8]) -> Option<String> {
    let raw = || dict.get_bytes(key).map(|raw| String::from_utf8_lossy(raw).into_owned());
    dict.get_str(utf8_key).map(str::to_owned).or_else(raw).filter(|text| !text.is_empty())
}

/// The part of the file that a value is.
fn quoted(file: &SharedBytes, value: Value<'_, '_>) -> SharedBytes {
    file.slice(value.offset(), value.offset() + value.raw().len())
}

/// The content of a string.
fn content(file: &SharedBytes, value: Value<'_, '_>) -> SharedBytes {
    let end = value.offset() + value.raw().len();
    file.slice(end - value.as_bytes().map_or(0, <[u8]>::len), end)
}

/// `file` is what `dict` was parsed from.
pub(super) fn info(file: &SharedBytes, dict: Value<'_, '_>) -> Result<Info, MetainfoError> {
    use MetainfoError::{Invalid, Missing};
    if !dict.is_dict() {
        return Err(Invalid("info"));
    }
    let pieces = match dict.get(b"pieces") {
        Some(value) if value.as_bytes().is_some() => content(file, value),
        Some(_) => return Err(Invalid("pieces")),
        // BEP 52: a version 2 torrent has a file tree and no `pieces` unless it is a hybrid.
        None if dict.get(b"file tree").is_some() || dict.get_int(b"meta version") == Some(2) => {
            return Err(MetainfoError::V2Only);
        }
        None => return Err(Missing("pieces")),
    };
    let raw = quoted(file, dict);
    let info_hash = InfoHash(Sha1::digest(dict.raw()).into());
    let utf8 = dict.get(b"name.utf-8").filter(|v| v.as_str().is_some_and(|name| !name.is_empty()));
    let given = utf8.or_else(|| dict.get(b"name")).filter(|v| v.as_bytes().is_some());
    let name_raw = given.map_or_else(|| file.slice(0, 0), |value| content(file, value));
    let name = match &*name_raw {
        b"" => info_hash.to_string(),
        raw => names::component(raw),
    };

    let piece_len = dict.get(b"piece length").ok_or(Missing("piece length"))?.as_uint();
    let piece_len = piece_len.and_then(|len| u32::try_from(len).ok());
    let piece_len = piece_len
        .filter(|len| (1..=limits::PIECE_BYTES).contains(len))
        .ok_or(Invalid("piece length"))?;

    let list = dict.get(b"files").map(|files| files.as_list().ok_or(Invalid("files")));
    let multi_file = list.is_some();
    let (files, total_len) = match list {
        Some(list) => file_list(file, list?, &name)?,
        None => {
            let path =
                given.map_or_else(|| [b""].iter().collect(), |v| RawPath::new(quoted(file, v)));
            single_file(dict, &name, path)?
        }
    };
    let geometry = Geometry::new(total_len, piece_len).ok_or(Invalid("piece length"))?;
    let expected = geometry.piece_count();
    if pieces.len() != expected as usize * 20 {
        let found = pieces.len().div_ceil(20);
        return Err(MetainfoError::PieceCount { expected, found });
    }
    Ok(Info {
        info_hash,
        name,
        name_raw,
        geometry,
        pieces: PieceHashes::new(pieces),
        files,
        multi_file,
        private: dict.get_int(b"private") == Some(1),
        source: text(dict, b"source", b"source.utf-8"),
        raw,
    })
}

fn single_file(
    dict: Value<'_, '_>,
    name: &str,
    path_raw: RawPath,
) -> Result<(Vec<FileEntry>, u64), MetainfoError> {
    let length = dict.get(b"length").ok_or(MetainfoError::Missing("length or files"))?;
    let length = length.as_uint().ok_or(MetainfoError::Invalid("length"))?;
    let file = FileEntry {
        path: name.to_owned(),
        path_raw,
        length,
        offset: 0,
        // A lone file is never padding or a link; its mode bits count.
        attr: FileAttr { padding: false, symlink: false, ..attributes(dict) },
        symlink: None,
    };
    Ok((vec![file], length))
}

/// BEP 47: one letter per attribute, unknown ones ignored.
fn attributes(dict: Value<'_, '_>) -> FileAttr {
    let attr = dict.get_bytes(b"attr").unwrap_or_default();
    FileAttr {
        padding: attr.contains(&b'p'),
        executable: attr.contains(&b'x'),
        hidden: attr.contains(&b'h'),
        symlink: attr.contains(&b'l'),
    }
}

/// A list of path components.
fn path_of(value: Value<'_, '_>) -> Option<Vec<Vec<u8>>> {
    value.as_list()?.map(|part| part.as_bytes().map(<[u8]>::to_vec)).collect()
}

/// A file's path, the UTF-8 variant when there is a valid one: its components, and where they are.
fn path_in(whole: &SharedBytes, dict: Value<'_, '_>) -> Option<(Vec<Vec<u8>>, RawPath)> {
    let found = |key: &[u8]| {
        let value = dict.get(key)?;
        path_of(value).filter(|path| !path.is_empty()).map(|path| (path, value))
    };
    let valid = |(path, _): &(Vec<Vec<u8>>, _)| path.iter().all(|p| str::from_utf8(p).is_ok());
    let (path, value) = found(b"path.utf-8").filter(valid).or_else(|| found(b"path"))?;
    // Between `l` and `e`.
    let (start, end) = (value.offset() + 1, value.offset() + value.raw().len() - 1);
    Some((path, RawPath::new(whole.slice(start, end))))
}

fn file_list<'d, 'a>(
    whole: &SharedBytes,
    list: impl Iterator<Item = Value<'d, 'a>>,
    name: &str,
) -> Result<(Vec<FileEntry>, u64), MetainfoError>
where
    'a: 'd,
{
    use MetainfoError::Invalid;
    let mut files = Vec::new();
    let mut paths = Vec::new();
    let mut targets = Vec::new();
    let mut offset = 0u64;
    for dict in list {
        if files.len() >= limits::FILES || !dict.is_dict() {
            return Err(Invalid("files"));
        }
        let mut attr = attributes(dict);
        let (path, path_raw) = path_in(whole, dict).ok_or(Invalid("path"))?;
        let target = dict.get(b"symlink path").and_then(path_of).filter(|_| attr.symlink);
        attr.symlink = target.is_some();
        // BEP 47: a link takes no room in the torrent.
        let length = if attr.symlink {
            0
        } else {
            dict.get(b"length").and_then(|v| v.as_uint()).ok_or(Invalid("length"))?
        };
        let start = offset;
        offset = offset.checked_add(length).ok_or(Invalid("length"))?;
        // Sizes are `i64` in other programs and in file systems.
        i64::try_from(offset).map_err(|_| Invalid("length"))?;
        paths.push(path);
        targets.push(target);
        let path = String::new();
        files.push(FileEntry { path, path_raw, length, offset: start, attr, symlink: None });
    }
    files.shrink_to_fit();
    if files.is_empty() {
        return Err(Invalid("files"));
    }
    let hidden = |i: usize| files.get(i).is_some_and(|file: &FileEntry| file.attr.padding);
    let safe = names::safe_paths(None, &paths, hidden);
    let links = resolve_links(&targets, &paths, &safe);
    for ((file, path), link) in files.iter_mut().zip(safe).zip(links) {
        file.path = format!("{name}/{path}");
        file.symlink = link;
    }
    Ok((files, offset))
}

/// Where links lead: to the safe path of the file they name, else to their own path made safe.
fn resolve_links(
    targets: &[Option<Vec<Vec<u8>>>],
    paths: &[Vec<Vec<u8>>],
    safe: &[String],
) -> Vec<Option<String>> {
    if targets.iter().all(Option::is_none) {
        return vec![None; targets.len()];
    }
    let mut by_path = HashMap::new();
    for (path, safe) in paths.iter().zip(safe) {
        by_path.entry(path).or_insert(safe);
    }
    let resolve = |target: &Vec<Vec<u8>>| match by_path.get(target) {
        Some(safe) => (*safe).clone(),
        None => names::safe_paths(None, core::slice::from_ref(target), |_| false).concat(),
    };
    targets.iter().map(|target| target.as_ref().map(resolve)).collect()
}
