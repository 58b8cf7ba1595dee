//! The databases: a file, and a server that is started for the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use tempfile::TempDir;

/// A database of its own for one test.
pub(crate) struct Database {
    pub(crate) url: String,
    server: Option<Arc<Server>>,
    pub(crate) dir: TempDir,
}

impl Database {
    /// A file of SQLite, and an empty database of PostgreSQL if the system has its programs.
    pub(crate) fn both() -> Vec<Self> {
        std::iter::once(Self::sqlite()).chain(Self::postgres()).collect()
    }

    /// Returns the processor time of the server, its past connections included.
    #[cfg(target_os = "linux")]
    pub(crate) fn processor_time(&self) -> std::time::Duration {
        let Some(server) = &self.server else { return std::time::Duration::ZERO };
        let pid = std::fs::read_to_string(server.dir.path().join("data/postmaster.pid")).unwrap();
        let parent = pid.lines().next().unwrap();
        let (mut ticks, mut of_parent) = (0, 0);
        for entry in std::fs::read_dir("/proc").unwrap() {
            let Ok(stat) = std::fs::read_to_string(entry.unwrap().path().join("stat")) else {
                continue;
            };
            // pid (name) state ppid … utime stime cutime cstime
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            let time = |from: usize, to: usize| -> u64 {
                fields[from..to].iter().map(|field| field.parse::<u64>().unwrap()).sum()
            };
            if stat.starts_with(&format!("{parent} ")) {
                of_parent = time(11, 15);
            } else if fields[1] == parent {
                ticks += time(11, 13);
            }
        }
        std::time::Duration::from_millis((ticks + of_parent) * 10)
    }

    /// Runs a statement, as another process would.
    pub(crate) async fn execute(&self, statement: &'static str) {
        if self.url.starts_with("sqlite") {
            let pool = sqlx::SqlitePool::connect(&self.url).await.unwrap();
            sqlx::query(statement).execute(&pool).await.unwrap();
        } else {
            let pool = sqlx::PgPool::connect(&self.url).await.unwrap();
            sqlx::query(statement).execute(&pool).await.unwrap();
        }
    }

    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("tasks.db").display());
        Self { url, server: None, dir }
    }

    pub(crate) fn postgres() -> Option<Self> {
        static NUMBER: Mutex<u32> = Mutex::new(0);
        let server = Server::shared()?;
        let name = {
            let mut number = NUMBER.lock().unwrap();
            *number += 1;
            format!("test_{number}")
        };
        server.run("createdb", &[&name]);
        let url = format!("postgres://test@127.0.0.1:{}/{name}", server.port);
        Some(Self { url, server: Some(server), dir: tempfile::tempdir().unwrap() })
    }
}

/// A server of PostgreSQL, which ends with the last test that uses it.
pub(crate) struct Server {
    bin: PathBuf,
    pub(crate) port: u16,
    dir: TempDir,
}

impl Server {
    /// Returns the server, which is started with the first test; `None` if the system has none.
    fn shared() -> Option<Arc<Self>> {
        static SERVER: OnceLock<Mutex<Weak<Server>>> = OnceLock::new();
        let mut shared = SERVER.get_or_init(Mutex::default).lock().unwrap();
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let Some(bin) = bin() else {
            assert!(std::env::var_os("CI").is_none(), "install PostgreSQL: CI tests with it");
            eprintln!("PostgreSQL is not installed: its half of the tests is left out");
            return None;
        };
        let server = Arc::new(Self::start(bin));
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    fn start(bin: PathBuf) -> Self {
        let dir = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { bin, port, dir };
        let data = server.dir.path().join("data");
        let data = data.to_str().unwrap();
        std::fs::create_dir(data).unwrap();
        own(server.dir.path());
        own(Path::new(data));
        server
            .run("initdb", &["-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        // Its own crash is not simulated, so it need not wait for the disk.
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off \
             -c max_connections=200 -c shared_preload_libraries=pg_stat_statements",
            server.dir.path().display()
        );
        let log = server.dir.path().join("log");
        server.run(
            "pg_ctl",
            &["-D", data, "-w", "-l", log.to_str().unwrap(), "-o", &options, "start"],
        );
        server
    }

    fn run(&self, program: &str, args: &[&str]) {
        let mut command = Command::new(self.bin.join(program));
        command.args(args).env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string());
        command.env("PGUSER", "test").stdin(Stdio::null()).stdout(Stdio::null()).current_dir("/");
        unprivileged(&mut command);
        let status = command.status().unwrap();
        assert!(status.success(), "{program} {args:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        self.run("pg_ctl", &["-D", data.to_str().unwrap(), "-m", "immediate", "-w", "stop"]);
    }
}

/// Returns the directory of the newest programs.
fn bin() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|dir| dir.join("initdb").exists());
    found.pop().or(on_path)
}

/// PostgreSQL refuses to run as root: it runs as nobody then.
#[cfg(unix)]
const NOBODY: u32 = 65534;

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(unix)]
fn unprivileged(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

#[cfg(unix)]
fn own(path: &Path) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

#[cfg(not(unix))]
fn unprivileged(_: &mut Command) {}

#[cfg(not(unix))]
fn own(_: &Path) {}
