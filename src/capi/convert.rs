//! Text, bytes, buffers and structures across the border.

use core::ffi::c_char;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::types::{tern_buf, tern_bytes};
use crate::api::{Error, ErrorKind};

fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

/// Bytes a host gives.
///
/// # Safety
/// `ptr` points to `len` readable bytes that stay for `'a`, or `len` is 0.
pub(super) unsafe fn bytes<'a>(ptr: *const u8, len: usize) -> Result<&'a [u8], Error> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() || isize::try_from(len).is_err() {
        return Err(invalid("bytes are NULL or too long"));
    }
    // SAFETY: the caller's promise; not NULL and not longer than an object can be.
    Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
}

/// UTF-8 text a host gives.
///
/// # Safety
/// As [`bytes()`].
pub(super) unsafe fn text<'a>(ptr: *const c_char, len: usize) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(ptr.cast(), len) }?;
    core::str::from_utf8(bytes).map_err(|_| invalid("a text is not UTF-8"))
}

/// A NUL-terminated text a host gives.
///
/// # Safety
/// `ptr` is NULL or NUL-terminated and stays for `'a`.
pub(super) unsafe fn c_text<'a>(ptr: *const c_char) -> Result<&'a str, Error> {
    if ptr.is_null() {
        return Err(invalid("a text is NULL"));
    }
    // SAFETY: the caller's promise.
    let text = unsafe { core::ffi::CStr::from_ptr(ptr) };
    text.to_str().map_err(|_| invalid("a text is not UTF-8"))
}

/// A path a host gives: the system's bytes.
///
/// # Safety
/// As [`bytes()`].
pub(super) unsafe fn path(ptr: *const c_char, len: usize) -> Result<PathBuf, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(ptr.cast(), len) }?;
    if bytes.is_empty() {
        return Err(invalid("a path is empty"));
    }
    crate::api::path_from_bytes(bytes)
}

/// `host:port` with a literal address.
pub(super) fn address(text: &str) -> Result<SocketAddr, Error> {
    text.trim().parse().map_err(|_| invalid("not an address with a port"))
}

/// A literal address, with or without a port.
pub(super) fn ip(text: &str) -> Result<IpAddr, Error> {
    let text = text.trim();
    let with_port = text.parse::<SocketAddr>().map(|a| a.ip());
    with_port.or_else(|_| text.parse()).map_err(|_| invalid("not an address"))
}

/// A view of bytes; never NULL.
pub(super) fn view(bytes: &[u8]) -> tern_bytes {
    let ptr = if bytes.is_empty() { c"".as_ptr().cast() } else { bytes.as_ptr() };
    tern_bytes { ptr, len: bytes.len() }
}

/// Bytes followed by a NUL byte that a view does not count.
pub(super) struct Terminated(Box<[u8]>);

impl Terminated {
    pub(super) fn new<'a>(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let mut bytes = bytes.into().into_owned();
        bytes.push(0);
        Self(bytes.into_boxed_slice())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.split_last().map_or(&[], |(_, bytes)| bytes)
    }

    pub(super) fn view(&self) -> tern_bytes {
        tern_bytes { ptr: self.0.as_ptr(), len: self.0.len().saturating_sub(1) }
    }
}

/// A buffer for the host to free.
pub(super) fn buf(mut bytes: Vec<u8>) -> tern_buf {
    let len = bytes.len();
    bytes.push(0);
    tern_buf { ptr: Box::into_raw(bytes.into_boxed_slice()).cast(), len }
}

/// Frees what [`buf`] made.
///
/// # Safety
/// `buf` holds nothing or what [`buf`] made, unchanged.
pub(super) unsafe fn free_buf(buf: &mut tern_buf) {
    let (ptr, len) = (std::mem::replace(&mut buf.ptr, std::ptr::null_mut()), buf.len);
    buf.len = 0;
    if !ptr.is_null() {
        // SAFETY: `buf` made it from a boxed slice of one byte more than `len`.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(ptr, len + 1)) });
    }
}

/// Writes an out-parameter.
///
/// # Safety
/// `out` is NULL or points to a place for a `T`, initialised or not.
pub(super) unsafe fn put<T>(out: *mut T, value: T) -> Result<(), Error> {
    if out.is_null() {
        return Err(invalid("an out-parameter is NULL"));
    }
    // SAFETY: the caller's promise; nothing is dropped at the place.
    unsafe { out.write(value) };
    Ok(())
}

/// A structure that begins with its size.
///
/// # Safety
/// The type is `repr(C)`, plain data, and its first member is a `u32` with its size.
pub(super) unsafe trait Sized32: Copy {}

/// Writes as much of a structure as the host has room for, and zeros beyond what we know.
///
/// # Safety
/// `out` is NULL or points to `size` writable bytes, aligned for `T`.
pub(super) unsafe fn put_sized<T: Sized32>(
    out: *mut T,
    size: usize,
    value: T,
) -> Result<(), Error> {
    if out.is_null() || size < size_of::<u32>() {
        return Err(invalid("an out-parameter is NULL or too small"));
    }
    let ours = size_of::<T>().min(size);
    // SAFETY: both places have `ours` bytes and do not overlap; the host's place has `size` bytes
    // and room for the size in front.
    unsafe {
        let place = out.cast::<u8>();
        std::ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), place, ours);
        std::ptr::write_bytes(place.add(ours), 0, size - ours);
        out.cast::<u32>().write(u32::try_from(ours).unwrap_or(u32::MAX));
    }
    Ok(())
}

/// Copies a list out, as far as there is room: `TERN_E_RANGE` when it does not fit. The length is
/// always written.
///
/// # Safety
/// `out` points to `capacity` places (NULL when 0), `out_len` is NULL or points to one.
pub(super) unsafe fn put_list<T: Copy>(
    list: &[T],
    out: *mut T,
    capacity: usize,
    out_len: *mut usize,
) -> Result<(), Error> {
    if out_len.is_null() || (out.is_null() && capacity > 0) {
        return Err(invalid("an out-parameter is NULL"));
    }
    // SAFETY: the caller's promise.
    unsafe { out_len.write(list.len()) };
    if capacity == 0 {
        return Ok(());
    }
    if capacity < list.len() {
        return Err(Error::new(ErrorKind::Range, "not enough room"));
    }
    // SAFETY: the host's array has room for all of the list, and does not overlap it.
    unsafe { std::ptr::copy_nonoverlapping(list.as_ptr(), out, list.len()) };
    Ok(())
}
