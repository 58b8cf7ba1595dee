//! The store in an SQLite file. No other module knows SQL.
//!
//! The state is in memory as well and read from here only at the start. Frozen credits and the
//! progress of renders are not kept: what froze them ends with the process, and a render that had
//! not ended begins again.
//!
//! The log is written ahead and not synchronized at each commit (`synchronous=NORMAL`). The system
//! has what a killed process wrote, so nothing is lost with that; a loss of power may take the last
//! transactions, each whole. A commit then takes about 0.1 ms, short enough for a handler on the
//! asynchronous runtime, in place of the milliseconds of a disk. Files are synchronized before the
//! transaction that names them, so that none is ever named without its content.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use serde::de::DeserializeOwned;

use super::{Change, FileRole, Kept, Store, StoreError};
use crate::draft::Draft;
use crate::fs::is_held;
use crate::local::accounts::{AccountMaps, Ledger, LocalAccount, LocalToken};
use crate::local::agent::{AskedBy, OpenQuestions};
use crate::local::library::{FilePath, Library, MediaInfo, StoredFile};
use crate::local::renders::KeptRender;
use crate::local::server::Counters;
use crate::local::sessions::{
    GeneratedSpeech, LocalSession, SessionContent, SessionMap, Work, WorkChange,
};
use crate::local::watch::MAX_SESSIONS;
use crate::protocol::{Credits, FileFormat, SessionId};
use crate::sync::lock;

/// Each takes the schema from the version that is its index to the next one.
const MIGRATIONS: [&str; 2] = [
    "
CREATE TABLE counters (
    tokens_issued INTEGER NOT NULL DEFAULT 0,
    tokens_created INTEGER NOT NULL DEFAULT 0,
    tokens_revoked INTEGER NOT NULL DEFAULT 0,
    sessions_created INTEGER NOT NULL DEFAULT 0,
    messages_run INTEGER NOT NULL DEFAULT 0,
    renders_started INTEGER NOT NULL DEFAULT 0,
    renders_finished INTEGER NOT NULL DEFAULT 0,
    uploads_taken INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO counters DEFAULT VALUES;

-- Times are in milliseconds since 1970, durations in nanoseconds.
CREATE TABLE accounts (
    client TEXT PRIMARY KEY,
    user TEXT NOT NULL UNIQUE,
    available REAL NOT NULL,
    taken REAL NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    info TEXT
) STRICT;
CREATE INDEX tokens_of_user ON tokens (user);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT,
    turns INTEGER NOT NULL DEFAULT 0,
    edits INTEGER NOT NULL DEFAULT 0,
    -- The message whose questions are open, and whether the session had a script.
    asked_by TEXT,
    has_source INTEGER
) STRICT;

-- The last one of a session is its work, and those before it can be restored.
CREATE TABLE works (
    position INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    draft TEXT,
    spoken TEXT
) STRICT;
CREATE INDEX works_of_session ON works (session, position);

CREATE TABLE files (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    role INTEGER NOT NULL,
    format TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT,
    text TEXT,
    size INTEGER NOT NULL,
    hash TEXT,
    width INTEGER,
    height INTEGER,
    duration INTEGER
) STRICT;

CREATE TABLE renders (
    position INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    id TEXT NOT NULL,
    session TEXT NOT NULL,
    state TEXT NOT NULL,
    file TEXT,
    -- Until it has ended.
    job TEXT,
    UNIQUE (user, id)
) STRICT;
",
    "
-- For the page to watch the backend, as JSON.
ALTER TABLE sessions ADD COLUMN log TEXT;
ALTER TABLE renders ADD COLUMN subtitles TEXT;
",
];

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[derive(Debug)]
pub(super) struct Database {
    directory: PathBuf,
    open: Mutex<Option<OpenDatabase>>,
}

#[derive(Debug)]
struct OpenDatabase {
    connection: Connection,
    /// Unlocked when it is closed, so after the connection.
    _lock: File,
}

/// Opens a directory, and reads what is kept there. Removes the files that a killed process wrote
/// and did not come to name. The error is the path that cannot be used, and why.
pub(crate) fn open(dir: &Path) -> Result<(Library, Kept), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(at(dir))?;
    let lock = lock_directory(dir).map_err(at(dir))?;
    let path = dir.join("backend.sqlite");
    // SQLite would let others read it; its log has the mode of this file.
    private_file(&path).map_err(at(&path))?;
    let connection = connect(&path).map_err(|error| at(&path)(io::Error::other(error)))?;
    let library = Library::open(Some(dir.join("media")))?;
    let kept = read(&connection, &library).map_err(|error| at(&path)(io::Error::other(error)))?;
    library.remove_unknown().map_err(at(dir))?;
    let open = Mutex::new(Some(OpenDatabase { connection, _lock: lock }));
    let database = Some(Database { directory: dir.to_owned(), open });
    Ok((library, Kept { store: Arc::new(Store { database }), ..kept }))
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Locks the directory, in a file of its own: to close another handle of the database's file would
/// release the locks of SQLite.
fn lock_directory(dir: &Path) -> io::Result<File> {
    let path = dir.join("backend.lock");
    let file = private_file(&path)?;
    match is_held(&file, &path) {
        true => Ok(file),
        false => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another backend is running there; stop it, or choose another directory",
        )),
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    let version: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let newer = || "a newer version of this program has written it";
    for (version, migration) in (version + 1..).zip(MIGRATIONS.get(version..).ok_or_else(newer)?) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(connection)
}

impl Database {
    fn error(&self, source: io::Error) -> StoreError {
        StoreError::new(&self.directory, source)
    }

    pub(super) fn write(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        let mut open = lock(&self.open);
        let closed = || self.error(io::Error::other("the backend has stopped"));
        let connection = &mut open.as_mut().ok_or_else(closed)?.connection;
        let mut write = || -> Result<()> {
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior)?;
            for change in changes {
                apply(&transaction, change)?;
            }
            Ok(transaction.commit()?)
        };
        write().map_err(|error| self.error(io::Error::other(error)))
    }

    pub(super) fn sync<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(), StoreError> {
        let mut parent = None;
        for path in paths {
            // Windows synchronizes only what is open for writing.
            let file = OpenOptions::new().read(true).write(true).open(path);
            file.and_then(|file| file.sync_all()).map_err(|error| self.error(error))?;
            parent = path.parent();
        }
        // Their names. Elsewhere, a directory cannot be opened like a file.
        if let Some(parent) = parent.filter(|_| cfg!(unix)) {
            let synced = File::open(parent).and_then(|dir| dir.sync_all());
            synced.map_err(|error| self.error(error))?;
        }
        Ok(())
    }

    pub(super) fn close(&self) {
        drop(lock(&self.open).take());
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn apply(to: &Transaction<'_>, change: &Change<'_>) -> Result<()> {
    let _rows = match change {
        Change::Account { client, account, expires_at } => to.execute(
            "INSERT INTO accounts (client, user, available, expires_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (client) DO UPDATE SET expires_at = excluded.expires_at",
            params![
                client.as_str(),
                account.user.as_str(),
                account.ledger.balance().available.get(),
                millis(*expires_at)
            ],
        ),
        Change::Token(hash, token) => {
            let user = token.account.user.as_str();
            if token.info.is_none() {
                to.execute("DELETE FROM tokens WHERE user = ?1 AND info IS NULL", [user])?;
            }
            let info = token.info.as_ref().map(json).transpose()?;
            to.execute(
                "INSERT OR REPLACE INTO tokens (hash, user, scopes, expires_at, info)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![hash, user, json(&token.scopes)?, millis(token.expires_at), info],
            )
        }
        Change::RemoveToken(hash) => to.execute("DELETE FROM tokens WHERE hash = ?1", [hash]),
        Change::ExpireTokens => {
            to.execute("UPDATE accounts SET expires_at = 0", [])?;
            to.execute("UPDATE tokens SET expires_at = 0", [])
        }
        Change::Charge(user, credits) => to.execute(
            "UPDATE accounts SET available = available - ?2, taken = taken + ?2 WHERE user = ?1",
            params![user.as_str(), credits.get()],
        ),
        Change::Session(session) => {
            let LocalSession { id, task, user, name, language, .. } = session;
            let (id, task, user) = (id.as_str(), task.as_str(), user.as_str());
            to.execute(
                "INSERT INTO sessions (id, task, user, name, language) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, task, user, name, language],
            )?;
            to.execute("INSERT INTO works (session) VALUES (?1)", [id])
        }
        Change::Turn { session, turns, edits, asked } => to.execute(
            "UPDATE sessions SET turns = ?2, edits = ?3, asked_by = ?4, has_source = ?5 WHERE id = ?1",
            params![
                session.as_str(),
                turns,
                edits,
                asked.map(|asked| asked.message),
                asked.map(|asked| asked.has_source)
            ],
        ),
        Change::Work(session, WorkChange::Push(work) | WorkChange::Finish(work), max_undo) => {
            to.execute(
                "INSERT INTO works (session, draft, spoken) VALUES (?1, ?2, ?3)",
                params![
                    session.as_str(),
                    work.draft.as_ref().map(Draft::to_json),
                    work.spoken.as_ref().map(json).transpose()?
                ],
            )?;
            to.execute(
                "DELETE FROM works WHERE session = ?1 AND position < (SELECT position FROM works
                 WHERE session = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)",
                params![session.as_str(), max_undo],
            )
        }
        Change::Work(session, WorkChange::Undo(turns), _) => to.execute(
            "DELETE FROM works WHERE session = ?1 AND position > IFNULL((SELECT position FROM works
             WHERE session = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2), 0)",
            params![session.as_str(), turns],
        ),
        Change::File { file, role, text } => {
            let (width, height) = file.info.size.unzip();
            let duration = file.info.duration.map(|time| time.as_nanos() as i64);
            to.execute(
                "INSERT INTO files (id, session, role, format, name, source, text, size, hash,
                 width, height, duration) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    file.id,
                    file.session.as_str(),
                    *role as i64,
                    file.format.extension,
                    file.name,
                    file.source,
                    text,
                    file.size,
                    file.hash,
                    width,
                    height,
                    duration
                ],
            )
        }
        Change::Render { user, job, state } => to.execute(
            "INSERT INTO renders (user, id, session, state, job) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                user.as_str(),
                job.id.as_str(),
                job.session_id.as_str(),
                json(state)?,
                json(job)?
            ],
        ),
        Change::RenderEnd { user, id, state, file, subtitles } => to.execute(
            "UPDATE renders SET state = ?3, file = ?4, job = NULL, subtitles = ?5
             WHERE user = ?1 AND id = ?2",
            params![
                user.as_str(),
                id.as_str(),
                json(state)?,
                file.map(|file| &file.id),
                subtitles.map(json).transpose()?
            ],
        ),
        Change::Log(session, log) => {
            to.execute("UPDATE sessions SET log = ?2 WHERE id = ?1", params![session.as_str(), log])
        }
        // The name of a field, not what anybody has sent.
        Change::Count(counter) => {
            to.execute(&format!("UPDATE counters SET {counter} = {counter} + 1"), [])
        }
    }?;
    Ok(())
}

/// Calls a function with each row.
fn each(from: &Connection, query: &str, mut row: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
    let mut query = from.prepare(query)?;
    let mut rows = query.query([])?;
    while let Some(next) = rows.next()? {
        row(next)?;
    }
    Ok(())
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    Ok(text.map(serde_json::from_str).transpose()?)
}

fn time(row: &Row<'_>, column: usize) -> Result<SystemTime> {
    let millis: u64 = row.get(column)?;
    Ok(UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH))
}

fn id<I: From<String>>(row: &Row<'_>, column: usize) -> Result<I> {
    Ok(row.get::<_, String>(column)?.into())
}

/// Reads everything. What refers to nothing, which no version of this program writes, is left out.
fn read(from: &Connection, library: &Library) -> Result<Kept> {
    let counters = from.query_row("SELECT * FROM counters", [], |row| {
        Ok(Counters {
            tokens_issued: row.get(0)?,
            tokens_created: row.get(1)?,
            tokens_revoked: row.get(2)?,
            sessions_created: row.get(3)?,
            messages_run: row.get(4)?,
            renders_started: row.get(5)?,
            renders_finished: row.get(6)?,
            uploads_taken: row.get(7)?,
            ..Counters::default()
        })
    })?;
    let accounts = read_accounts(from)?;
    let mut contents = read_works(from)?;
    read_files(from, library, &mut contents)?;
    let mut sessions = SessionMap::new();
    let query =
        "SELECT id, task, user, name, language, turns, edits, asked_by, has_source FROM sessions";
    each(from, query, |row| {
        let session: SessionId = id(row, 0)?;
        let mut content = contents.remove(&session).unwrap_or_default();
        (content.turns, content.edits) = (row.get(5)?, row.get(6)?);
        if let Some(message) = row.get_ref(7)?.as_str_or_null()? {
            let asked = AskedBy { message, has_source: row.get(8)? };
            content.questions = OpenQuestions::again(asked);
        }
        let new = LocalSession {
            id: session.clone(),
            task: id(row, 1)?,
            user: id(row, 2)?,
            name: row.get(3)?,
            language: row.get(4)?,
            message_lock: Arc::default(),
            render_lock: Arc::default(),
            content: Mutex::new(content),
        };
        sessions.insert(session, Arc::new(new));
        Ok(())
    })?;
    let mut renders = Vec::new();
    let query = "SELECT session, state, file, job, subtitles FROM renders ORDER BY position";
    each(from, query, |row| {
        let session = sessions.get(&id::<SessionId>(row, 0)?).cloned();
        if let (Some(session), Some(state)) = (session, parsed(row, 1)?) {
            let file = row.get_ref(2)?.as_str_or_null()?.and_then(|file| library.find(file));
            let (job, subtitles) = (parsed(row, 3)?, parsed(row, 4).unwrap_or_default());
            renders.push(KeptRender { session, state, file, job, subtitles });
        }
        Ok(())
    })?;
    let mut logs = HashMap::new();
    let query = format!(
        "SELECT id, log FROM sessions WHERE log IS NOT NULL ORDER BY rowid DESC LIMIT {MAX_SESSIONS}"
    );
    each(from, &query, |row| {
        // What is only for the page keeps no backend from its start.
        if let Ok(Some(log)) = parsed(row, 1) {
            logs.insert(id(row, 0)?, log);
        }
        Ok(())
    })?;
    Ok(Kept { store: Arc::default(), accounts, sessions, renders, counters, logs })
}

fn read_accounts(from: &Connection) -> Result<AccountMaps> {
    let mut maps = AccountMaps::default();
    let mut by_user = HashMap::new();
    each(from, "SELECT client, user, available, taken, expires_at FROM accounts", |row| {
        let credits = |column| row.get(column).map(Credits::new);
        let account = Arc::new(LocalAccount {
            user: id(row, 1)?,
            ledger: Arc::new(Ledger::new(credits(2)?, credits(3)?)),
            expires_at: Mutex::new(time(row, 4)?),
        });
        by_user.insert(row.get::<_, String>(1)?, Arc::clone(&account));
        maps.by_client.insert(id(row, 0)?, account);
        Ok(())
    })?;
    each(from, "SELECT hash, user, scopes, expires_at, info FROM tokens", |row| {
        if let Some(account) = by_user.get(row.get_ref(1)?.as_str()?).map(Arc::clone) {
            let scopes = parsed(row, 2)?.unwrap_or_default();
            let info = parsed(row, 4)?;
            let token = LocalToken { account, scopes, expires_at: time(row, 3)?, info };
            maps.tokens.insert(row.get(0)?, token);
        }
        Ok(())
    })?;
    Ok(maps)
}

fn read_works(from: &Connection) -> Result<HashMap<SessionId, SessionContent>> {
    let mut contents: HashMap<SessionId, SessionContent> = HashMap::new();
    each(from, "SELECT session, draft, spoken FROM works ORDER BY position", |row| {
        let draft = row.get_ref(1)?.as_str_or_null()?.map(Draft::from_json);
        let work = Work { draft: draft.transpose()?, spoken: parsed(row, 2)? };
        contents.entry(id(row, 0)?).or_default().history.push(work);
        Ok(())
    })?;
    for content in contents.values_mut() {
        content.work = content.history.pop().unwrap_or_default();
    }
    Ok(contents)
}

fn read_files(
    from: &Connection,
    library: &Library,
    contents: &mut HashMap<SessionId, SessionContent>,
) -> Result<()> {
    let query = "SELECT id, session, role, format, name, source, text, size, hash, width, height,
        duration FROM files ORDER BY position";
    each(from, query, |row| {
        let extension: String = row.get(3)?;
        let format = FileFormat::of(format!("file.{extension}"));
        let Some(format) = format else { return Ok(()) };
        let (width, height): (Option<u32>, Option<u32>) = (row.get(9)?, row.get(10)?);
        let duration: Option<u64> = row.get(11)?;
        let FilePath { id: file, path, format } = library.path_of(row.get(0)?, format);
        let file = library.add(StoredFile {
            id: file,
            path,
            format,
            session: id(row, 1)?,
            name: row.get(4)?,
            source: row.get(5)?,
            size: row.get(7)?,
            hash: row.get(8)?,
            info: MediaInfo {
                size: width.zip(height),
                duration: duration.map(Duration::from_nanos),
            },
        });
        let content = contents.entry(file.session.clone()).or_default();
        match row.get::<_, i64>(2)? {
            role if role == FileRole::Upload as i64 => content.uploads.push(file),
            role if role == FileRole::Speech as i64 => {
                content.generated.push(GeneratedSpeech { file, text: row.get(6)? });
                content.kept += 1;
            }
            _ => {}
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_for_the_page_may_be_unreadable() {
        let dir = tempfile::tempdir().unwrap();
        let (_, kept) = open(dir.path()).unwrap();
        kept.store.close();
        let database = Connection::open(dir.path().join("backend.sqlite")).unwrap();
        let rows = "INSERT INTO sessions (id, task, user, name, log) VALUES
            ('a', 't', 'u', 'n', '{}'), ('b', 't', 'u', 'n', 'no JSON'), ('c', 't', 'u', 'n', NULL);
            INSERT INTO renders (user, id, session, state, subtitles) VALUES
            ('u', 'r', 'a', '{\"id\": \"r\", \"status\": \"completed\"}', '[]')";
        database.execute_batch(rows).unwrap();
        drop(database);
        let (_, kept) = open(dir.path()).unwrap();
        assert_eq!((kept.sessions.len(), kept.renders.len(), kept.logs.len()), (3, 1, 0));
        assert!(kept.renders[0].subtitles.is_none());
    }

    #[test]
    fn what_earlier_versions_have_kept_is_read() {
        for version in 0..MIGRATIONS.len() {
            let dir = tempfile::tempdir().unwrap();
            let database = Connection::open(dir.path().join("backend.sqlite")).unwrap();
            MIGRATIONS[..version].iter().for_each(|step| database.execute_batch(step).unwrap());
            database.pragma_update(None, "user_version", version).unwrap();
            if version > 0 {
                let session =
                    "INSERT INTO sessions (id, task, user, name) VALUES ('s', 't', 'u', 'n');
                    INSERT INTO renders (user, id, session, state) VALUES
                    ('u', 'r', 's', '{\"id\": \"r\", \"status\": \"completed\"}')";
                database.execute_batch(session).unwrap();
            }
            drop(database);
            let (_, kept) = open(dir.path()).unwrap();
            assert_eq!(kept.sessions.len(), usize::from(version > 0), "{version}");
            assert_eq!(kept.renders.len(), usize::from(version > 0), "{version}");
            kept.store.close();
            drop(kept);
            open(dir.path()).unwrap();
        }
    }
}
