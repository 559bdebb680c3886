//! Builds `DiskError`s out of what the operating system said.

use std::io;
use std::path::Path;

use crate::base::{DiskError, FileIndex};

/// Says which operation on which file failed and why.
pub(super) fn disk_error(
    op: &'static str,
    file: Option<FileIndex>,
    path: &Path,
    error: &io::Error,
) -> DiskError {
    let message = match error.raw_os_error() {
        Some(libc::EEXIST) => "a file with that name exists already".to_owned(),
        Some(libc::ELOOP) => "a symbolic link is in the way".to_owned(),
        _ => error.to_string().to_lowercase().replace(['\n', '\r'], " "),
    };
    DiskError {
        op,
        file,
        path: path.to_owned(),
        os_errno: error.raw_os_error().unwrap_or(0),
        message,
    }
}

/// A failure the operating system has no number for.
pub(super) fn refusal(
    op: &'static str,
    file: Option<FileIndex>,
    path: &Path,
    message: &str,
) -> DiskError {
    DiskError { op, file, path: path.to_owned(), os_errno: 0, message: message.to_owned() }
}

/// Whether the error says that the file is not there.
pub(super) fn is_absent(error: &DiskError) -> bool {
    matches!(error.os_errno, libc::ENOENT | libc::ENOTDIR)
}
