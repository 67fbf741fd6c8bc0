//! Client addresses that get 403 until their time is over. Kept in a file, so that a restart does not let an attacker back in.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

const MAX_ENTRIES: usize = 10_000;
/// A week: containment is for an incident, not for ever.
pub(super) const MAX_TTL_SECONDS: i64 = 7 * 24 * 3600;

/// One blocked address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) address: IpAddr,
    pub(super) reason: String,
    #[serde(with = "rfc3339")]
    pub(super) since: Timestamp,
    #[serde(with = "rfc3339")]
    pub(super) until: Timestamp,
    /// Requests refused since then.
    #[serde(default)]
    pub(super) refused: u64,
}

/// The list, and the file that it is kept in.
pub(super) struct Blocklist {
    path: PathBuf,
    entries: Mutex<BTreeMap<IpAddr, Entry>>,
}

/// Why an address was not blocked.
#[derive(Debug, thiserror::Error)]
pub(super) enum BlockError {
    #[error("the block list is full ({MAX_ENTRIES} addresses); remove some first")]
    Full,
    #[error("the block list could not be written, so nothing was changed")]
    Write(#[source] io::Error),
}

impl Blocklist {
    /// Reads the list from `path`, or starts an empty one.
    pub(super) fn load(path: PathBuf) -> io::Result<Self> {
        let entries: Vec<Entry> = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let entries = entries.into_iter().map(|entry| (entry.address, entry)).collect();
        Ok(Self { path, entries: Mutex::new(entries) })
    }

    /// Whether `address` is blocked at `now`; if so, the refused request is counted.
    pub(super) fn refuses(&self, address: IpAddr, now: Timestamp) -> bool {
        match self.entries.lock().get_mut(&address) {
            Some(entry) if entry.until > now => {
                entry.refused += 1;
                true
            }
            _ => false,
        }
    }

    /// Blocks `address` from `now` on; an entry that is there is replaced but keeps its count and its beginning.
    pub(super) fn block(
        &self,
        address: IpAddr,
        reason: String,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Entry, BlockError> {
        let mut entries = self.entries.lock();
        let mut next = entries.clone();
        next.retain(|_, entry| entry.until > now);
        if next.len() >= MAX_ENTRIES && !next.contains_key(&address) {
            return Err(BlockError::Full);
        }
        // Saturates only for a clock far beyond any date that a person would mean.
        let until = now.saturating_add(ttl).unwrap_or(Timestamp::MAX);
        let (since, refused) = next.get(&address).map_or((now, 0), |entry| (entry.since, entry.refused));
        let entry = Entry { address, reason, since, until, refused };
        next.insert(address, entry.clone());
        self.write(&next)?;
        *entries = next;
        Ok(entry)
    }

    /// Lets `address` in again; whether it was blocked.
    pub(super) fn unblock(&self, address: IpAddr, now: Timestamp) -> Result<bool, BlockError> {
        let mut entries = self.entries.lock();
        let mut next = entries.clone();
        let was_blocked = next.remove(&address).is_some_and(|entry| entry.until > now);
        self.write(&next)?;
        *entries = next;
        Ok(was_blocked)
    }

    /// The entries that are in force at `now`.
    pub(super) fn list(&self, now: Timestamp) -> Vec<Entry> {
        self.entries.lock().values().filter(|entry| entry.until > now).cloned().collect()
    }

    /// Writes beside and renames: a crash leaves the old list or the new one.
    fn write(&self, entries: &BTreeMap<IpAddr, Entry>) -> Result<(), BlockError> {
        let write = || -> io::Result<()> {
            let beside = self.path.with_extension("json.new");
            fs::write(&beside, serde_json::to_vec_pretty(&entries.values().collect::<Vec<_>>())?)?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(BlockError::Write)
    }
}

/// Timestamps as text.
mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(timestamp)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_by_itself_and_survives_a_restart_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blocklist.json");
        let (attacker, now) = ("127.0.66.6".parse().unwrap(), Timestamp::UNIX_EPOCH);
        let list = Blocklist::load(path.clone()).unwrap();
        assert!(!list.refuses(attacker, now));
        list.block(attacker, "guesses passwords".into(), SignedDuration::from_secs(60), now).unwrap();
        assert!(list.refuses(attacker, now));
        assert_eq!(list.list(now)[0].refused, 1);

        let again = Blocklist::load(path).unwrap();
        assert!(again.refuses(attacker, now + SignedDuration::from_secs(59)));
        assert!(!again.refuses(attacker, now + SignedDuration::from_secs(60)));
        assert!(again.unblock(attacker, now).unwrap());
        assert!(!again.refuses(attacker, now));
    }
}
