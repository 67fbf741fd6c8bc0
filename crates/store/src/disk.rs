//! The disk as the log uses it: one folder of files that are made once, written forward and deleted whole.
//!
//! Not a general file system. It is a trait so that a test can lose what was not synced, tear writes, fill up, and die at
//! each single operation.

mod folder;
#[cfg(test)]
pub(crate) mod simulated;

use std::io;

pub(crate) use folder::Folder;

/// A folder.
pub(crate) trait Disk: Send + Sync {
    /// The names of the files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes a file that must not exist, with room for `preallocate` bytes set aside where the file system can.
    /// The name is durable only after [`Disk::sync_names`].
    fn create(&self, name: &str, preallocate: u64) -> io::Result<Box<dyn DiskFile>>;
    /// The whole content. Room that was set aside and not written reads as zeros.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Deletes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Gives back room that was set aside behind the first `length` bytes.
    fn shrink(&self, name: &str, length: u64) -> io::Result<()>;
    /// Makes creations and deletions durable.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file that is open for writing.
pub(crate) trait DiskFile: Send {
    /// Writes at an offset.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything that was written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to a length.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}
