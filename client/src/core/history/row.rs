//! Values of ours to columns and back. A column that holds something else is an error of the store, never a panic.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hobnob_shared::id::MessageId;
use rusqlite::Row;
use rusqlite::types::Type;

/// A text column as something that parses itself.
pub(super) fn text<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// A blob column of fixed length.
pub(super) fn bytes<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; N]> {
    row.get(column)
}

/// A blob column of fixed length, or NULL.
pub(super) fn some_bytes<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<[u8; N]>> {
    row.get(column)
}

/// A column with a message's id.
pub(super) fn message(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageId> {
    Ok(message_id(bytes(row, column)?))
}

/// From a message id's bytes.
pub(super) fn message_id(bytes: [u8; 16]) -> MessageId {
    MessageId(uuid::Uuid::from_bytes(bytes))
}

/// A number of the whole range of `u64`; the store's integers are signed, the bits are kept.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A path, which need not be text.
pub(super) fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PathBuf>> {
    Ok(row.get::<_, Option<Vec<u8>>>(column)?.map(|bytes| PathBuf::from(OsString::from_vec(bytes))))
}

/// A path's bytes.
pub(super) fn path_bytes(path: Option<&Path>) -> Option<&[u8]> {
    path.map(|path| path.as_os_str().as_bytes())
}

/// At most so many rows, as the store counts.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
