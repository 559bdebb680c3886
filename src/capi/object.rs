//! Opaque objects: what the pointers to marker types really point to.
//!
//! Each C type has one kind of ownership: unique (a box) or shared (a reference count). A number in
//! front tells one type from another, so that a wrong or freed pointer is refused more often than
//! it is followed; another tells in which process the object was made.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::fork;
use crate::api::{Error, ErrorKind};

/// Ties a C type to its private object.
pub(super) trait Opaque {
    /// What is inside.
    type Inner;
    /// Number of the type.
    const MAGIC: u32;
    /// Whether it belongs to a session and must not be touched after a fork.
    const OF_SESSION: bool = false;
}

/// A private object behind its number. `repr(C)`: the number comes first in every type, so that a
/// pointer to another type is told by reading what is surely there.
#[repr(C)]
pub(super) struct Object<T> {
    magic: u32,
    generation: u32,
    pub(super) value: T,
}

impl<T> Drop for Object<T> {
    fn drop(&mut self) {
        self.magic = 0;
    }
}

impl<T> Object<T> {
    fn new<K: Opaque<Inner = T>>(value: T) -> Self {
        Self { magic: K::MAGIC, generation: fork::generation(), value }
    }

    fn is_forked(&self) -> bool {
        self.generation != fork::generation()
    }
}

fn null() -> Error {
    Error::new(ErrorKind::Invalid, "a pointer is NULL")
}

/// The object behind a pointer.
///
/// # Safety
/// `ptr` is NULL or a live object of type `K` made by this library.
pub(super) unsafe fn get<'a, K: Opaque>(ptr: *const K) -> Result<&'a K::Inner, Error> {
    // SAFETY: the caller's promise; pointers to `K` are pointers to `Object<K::Inner>`, and NULL
    // gives `None`.
    let object = unsafe { ptr.cast::<Object<K::Inner>>().as_ref() }.ok_or_else(null)?;
    check::<K>(object)?;
    Ok(&object.value)
}

/// The object behind a pointer, to change it.
///
/// # Safety
/// As [`get`], and nobody else uses the object during `'a`.
pub(super) unsafe fn get_mut<'a, K: Opaque>(ptr: *mut K) -> Result<&'a mut K::Inner, Error> {
    // SAFETY: the caller's promise, as in `get`.
    let object = unsafe { ptr.cast::<Object<K::Inner>>().as_mut() }.ok_or_else(null)?;
    check::<K>(object)?;
    Ok(&mut object.value)
}

fn check<K: Opaque>(object: &Object<K::Inner>) -> Result<(), Error> {
    if object.magic != K::MAGIC {
        return Err(Error::new(ErrorKind::Invalid, "a pointer is not to such an object"));
    }
    if K::OF_SESSION && object.is_forked() {
        return Err(ErrorKind::Forked.into());
    }
    Ok(())
}

/// A new object with one owner.
pub(super) fn unique<K: Opaque>(value: K::Inner) -> *mut K {
    Box::into_raw(Box::new(Object::new::<K>(value))).cast()
}

/// Frees an object made by [`unique`]; NULL is fine.
///
/// # Safety
/// `ptr` is NULL or was made by [`unique`] and is used by nobody any more.
pub(super) unsafe fn free<K: Opaque>(ptr: *mut K) -> Result<(), Error> {
    if ptr.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { get::<K>(ptr) }?;
    // SAFETY: made by `Box::into_raw` in `unique`, of this type as its number says.
    drop(unsafe { Box::from_raw(ptr.cast::<Object<K::Inner>>()) });
    Ok(())
}

/// A new object with counted owners.
pub(super) fn shared<K: Opaque>(value: K::Inner) -> Shared<K> {
    Shared(Arc::new(Object::new::<K>(value)))
}

/// A reference to a shared object, held by the library.
pub(super) struct Shared<K: Opaque>(Arc<Object<K::Inner>>);

impl<K: Opaque> Clone for Shared<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Opaque> Shared<K> {
    /// The pointer the host sees; this reference stays with the library.
    pub(super) fn lend(&self) -> *mut K {
        Arc::as_ptr(&self.0).cast::<K>().cast_mut()
    }

    /// The pointer the host sees, with this reference: it gives it back by [`release`].
    pub(super) fn give(self) -> *mut K {
        Arc::into_raw(self.0).cast::<K>().cast_mut()
    }
}

/// One more reference for the host. NULL gives NULL.
///
/// # Safety
/// `ptr` is NULL or a live shared object of type `K`.
pub(super) unsafe fn retain<K: Opaque>(ptr: *const K) -> Result<*mut K, Error> {
    if ptr.is_null() {
        return Ok(std::ptr::null_mut());
    }
    // SAFETY: the caller's promise: at least one reference is held, so the count may be raised.
    unsafe {
        let object = &*ptr.cast::<Object<K::Inner>>();
        if object.magic != K::MAGIC {
            return Err(ErrorKind::Invalid.into());
        }
        Arc::increment_strong_count(ptr.cast::<Object<K::Inner>>());
    }
    Ok(ptr.cast_mut())
}

/// Gives up a reference of the host. After a fork it frees nothing.
///
/// # Safety
/// `ptr` is NULL or a live shared object of type `K` of which the caller gives up a reference.
pub(super) unsafe fn release<K: Opaque>(ptr: *mut K) -> Result<(), Error> {
    if ptr.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise; dropped only when it is what it says and of this process.
    let object = unsafe { ManuallyDrop::new(Arc::from_raw(ptr.cast::<Object<K::Inner>>())) };
    check::<K>(&object)?;
    drop(ManuallyDrop::into_inner(object));
    Ok(())
}
