//! From bencode to the types of the parent module.

use std::collections::HashMap;
use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::super::bencode::{Document, Value};
use super::super::names;
use super::{FileAttr, FileEntry, Info, Metainfo, MetainfoError};
use crate::base::{Geometry, InfoHash, limits};

pub(super) fn metainfo(bytes: &[u8]) -> Result<Metainfo, MetainfoError> {
    let document = Document::parse(bytes)?;
    let root = document.root();
    if !root.is_dict() {
        return Err(MetainfoError::Invalid("metainfo"));
    }
    let info = info(root.get(b"info").ok_or(MetainfoError::Missing("info"))?)?;
    Ok(Metainfo {
        info: Arc::new(info),
        trackers: trackers(root),
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

pub(super) fn info(dict: Value<'_, '_>) -> Result<Info, MetainfoError> {
    use MetainfoError::{Invalid, Missing};
    if !dict.is_dict() {
        return Err(Invalid("info"));
    }
    let pieces = match dict.get(b"pieces") {
        Some(value) => value.as_bytes().ok_or(Invalid("pieces"))?,
        // BEP 52: a version 2 torrent has a file tree and no `pieces` unless it is a hybrid.
        None if dict.get(b"file tree").is_some() || dict.get_int(b"meta version") == Some(2) => {
            return Err(MetainfoError::V2Only);
        }
        None => return Err(Missing("pieces")),
    };
    let raw = dict.raw().to_vec();
    let info_hash = InfoHash(Sha1::digest(&raw).into());
    let name_raw = match dict.get_str(b"name.utf-8").filter(|name| !name.is_empty()) {
        Some(name) => name.as_bytes(),
        None => dict.get_bytes(b"name").unwrap_or_default(),
    };
    let name = match name_raw {
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
        Some(list) => file_list(list?, &name)?,
        None => single_file(dict, &name, name_raw)?,
    };
    let geometry = Geometry::new(total_len, piece_len).ok_or(Invalid("piece length"))?;
    let (hashes, rest) = pieces.as_chunks::<20>();
    let expected = geometry.piece_count();
    if !rest.is_empty() || hashes.len() != expected as usize {
        let found = pieces.len().div_ceil(20);
        return Err(MetainfoError::PieceCount { expected, found });
    }
    Ok(Info {
        info_hash,
        name,
        name_raw: name_raw.to_vec(),
        geometry,
        pieces: hashes.to_vec(),
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
    name_raw: &[u8],
) -> Result<(Vec<FileEntry>, u64), MetainfoError> {
    let length = dict.get(b"length").ok_or(MetainfoError::Missing("length or files"))?;
    let length = length.as_uint().ok_or(MetainfoError::Invalid("length"))?;
    let file = FileEntry {
        path: name.to_owned(),
        path_raw: vec![name_raw.to_vec()],
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

fn file_list<'d, 'a>(
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
        let utf8 = dict
            .get(b"path.utf-8")
            .and_then(path_of)
            .filter(|path| !path.is_empty() && path.iter().all(|p| str::from_utf8(p).is_ok()));
        let path = utf8.or_else(|| dict.get(b"path").and_then(path_of));
        let path = path.filter(|path| !path.is_empty()).ok_or(Invalid("path"))?;
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
        let path_raw = Vec::new();
        let file =
            FileEntry { path: String::new(), path_raw, length, offset: start, attr, symlink: None };
        files.push(file);
    }
    if files.is_empty() {
        return Err(Invalid("files"));
    }
    let hidden = |i: usize| files.get(i).is_some_and(|file: &FileEntry| file.attr.padding);
    let safe = names::safe_paths(None, &paths, hidden);
    let links = resolve_links(&targets, &paths, &safe);
    for (((file, path_raw), path), link) in files.iter_mut().zip(paths).zip(safe).zip(links) {
        file.path = format!("{name}/{path}");
        file.path_raw = path_raw;
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
