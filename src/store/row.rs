//! Rows, of a file or of a server, and what their columns are read as.

use super::sql::Error;
use rusqlite::types::ValueRef;
use sqlx::postgres::PgRow;
use sqlx::{Column as _, Row as _, TypeInfo as _};
use std::sync::Arc;

/// A row.
#[derive(Debug)]
pub enum Row {
    /// Of a file.
    Sqlite(FileRow),
    /// Of a server.
    Postgres(PgRow),
}

/// A row of a file.
#[derive(Debug)]
pub struct FileRow {
    /// The names of its columns.
    pub columns: Arc<[String]>,
    /// What they hold.
    pub cells: Box<[Cell]>,
}

/// What a column of a file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// A text, if it is one: nothing keeps a file from holding other bytes as such.
    Text(Box<[u8]>),
    /// Bytes.
    Blob(Box<[u8]>),
}

impl From<ValueRef<'_>> for Cell {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Int(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(text.into()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.into()),
        }
    }
}

impl FileRow {
    fn cell(&self, at: usize) -> &Cell {
        self.cells.get(at).unwrap_or(&Cell::Null)
    }
}

impl Row {
    /// A column by its name.
    pub fn try_get<T: Column, N: AsRef<str>>(&self, name: N) -> Result<T, Error> {
        let at = match self {
            Self::Sqlite(row) => {
                let missing = || Error::Column { column: name.as_ref().to_owned(), what: "value" };
                row.columns.iter().position(|column| column == name.as_ref()).ok_or_else(missing)?
            }
            Self::Postgres(row) => row.try_column(name.as_ref())?.ordinal(),
        };
        T::of(self, at)
    }

    /// Says that a column does not hold what it should.
    fn fault(&self, at: usize, what: &'static str) -> Error {
        let name = match self {
            Self::Sqlite(row) => row.columns.get(at).cloned(),
            Self::Postgres(row) => row.try_column(at).ok().map(|column| column.name().to_owned()),
        };
        Error::Column { column: name.unwrap_or_else(|| at.to_string()), what }
    }
}

/// A type that a column is read as.
pub trait Column: Sized {
    /// The value of a column, by its place.
    fn of(row: &Row, at: usize) -> Result<Self, Error>;
}

/// A type of values that are there.
pub trait There: Sized {
    /// The value of a column, by its place; None if it holds none.
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Error>;
}

impl<T: There> Column for T {
    fn of(row: &Row, at: usize) -> Result<Self, Error> {
        T::read(row, at)?.ok_or_else(|| row.fault(at, "value"))
    }
}

impl<T: There> Column for Option<T> {
    fn of(row: &Row, at: usize) -> Result<Self, Error> {
        T::read(row, at)
    }
}

impl There for i64 {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Error> {
        match row {
            Row::Sqlite(cells) => match cells.cell(at) {
                Cell::Null => Ok(None),
                Cell::Int(number) => Ok(Some(*number)),
                _ => Err(row.fault(at, "whole number")),
            },
            Row::Postgres(row) => match row.column(at).type_info().name() {
                "BOOL" => Ok(row.try_get::<Option<bool>, _>(at)?.map(i64::from)),
                "INT4" => Ok(row.try_get::<Option<i32>, _>(at)?.map(i64::from)),
                _ => Ok(row.try_get(at)?),
            },
        }
    }
}

/// A number of a smaller type.
macro_rules! smaller {
    ($($type:ty),+) => {$(
        impl There for $type {
            fn read(row: &Row, at: usize) -> Result<Option<Self>, Error> {
                let number = i64::read(row, at)?.map(<$type>::try_from).transpose();
                number.map_err(|_| row.fault(at, "number of its size"))
            }
        }
    )+};
}

smaller!(u32, u16, i32);

impl There for bool {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Error> {
        Ok(i64::read(row, at)?.map(|number| number != 0))
    }
}

impl There for f64 {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Error> {
        match row {
            Row::Sqlite(cells) => match cells.cell(at) {
                Cell::Null => Ok(None),
                Cell::Real(number) => Ok(Some(*number)),
                _ => Err(row.fault(at, "number")),
            },
            Row::Postgres(row) => Ok(row.try_get(at)?),
        }
    }
}

impl There for String {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Error> {
        match row {
            Row::Sqlite(cells) => match cells.cell(at) {
                Cell::Null => Ok(None),
                Cell::Text(text) => match std::str::from_utf8(text) {
                    Ok(text) => Ok(Some(text.to_owned())),
                    Err(_) => Err(row.fault(at, "text")),
                },
                _ => Err(row.fault(at, "text")),
            },
            Row::Postgres(row) => Ok(row.try_get(at)?),
        }
    }
}

impl There for Vec<u8> {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Error> {
        match row {
            Row::Sqlite(cells) => match cells.cell(at) {
                Cell::Null => Ok(None),
                // A text is its bytes.
                Cell::Text(bytes) | Cell::Blob(bytes) => Ok(Some(bytes.to_vec())),
                _ => Err(row.fault(at, "bytes")),
            },
            Row::Postgres(row) => Ok(row.try_get_unchecked(at)?),
        }
    }
}
