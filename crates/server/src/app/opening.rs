//! What is taken before anything starts: the configuration, the data folder, the sockets.
//!
//! Not what is then put together: see `app`.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;
use watchkeeper_config::{Config, FileSystem, Loaded};

use super::{Addresses, Options, StartError, check_expr};

/// Reads the configuration and applies the command line's overrides.
pub(super) fn configure(options: &Options) -> Result<Config, StartError> {
    let mut config = match &options.config_file {
        None => watchkeeper_config::defaults(),
        Some(file) => {
            let Loaded { config, warnings } =
                watchkeeper_config::load(file, &FileSystem, &check_expr).map_err(StartError::Config)?;
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            config
        }
    };
    if let Some(listen) = options.listen {
        let scheme = if config.server.tls.is_some() { "https" } else { "http" };
        if config.server.external_url == format!("{scheme}://{}", config.server.listen) {
            config.server.external_url = format!("{scheme}://{listen}");
        }
        config.server.listen = listen;
    }
    if let Some(data) = &options.data {
        config.storage.path.clone_from(data);
    }
    Ok(config)
}

/// Makes the data folder and takes it for this process alone.
pub(super) fn lock(path: &Path) -> Result<File, StartError> {
    let cannot = |reason: String| StartError::Data { path: path.to_owned(), reason };
    std::fs::create_dir_all(path)
        .map_err(|e| cannot(format!("it cannot be made ({e}); check `storage.path` and its permissions")))?;
    let file = File::create(path.join("lock"))
        .map_err(|e| cannot(format!("it is not writable ({e}); check its permissions")))?;
    file.try_lock().map_err(|_| {
        cannot("another Watchkeeper uses it; stop that one, or give this one a folder of its own".to_owned())
    })?;
    Ok(file)
}

/// Further sockets, each with whether it speaks gRPC.
pub(super) type Others = Vec<(TcpListener, bool)>;

pub(super) async fn bind(config: &Config, otlp: bool) -> Result<(TcpListener, Addresses, Others), StartError> {
    let (main, main_address) = listener(config.server.listen, "server.listen").await?;
    let mut addresses = Addresses { main: main_address, otlp_http: None, otlp_grpc: None };
    let mut others = Vec::new();
    if let Some(address) = config.server.otlp_http.filter(|_| otlp) {
        let (listener, bound) = listener(address, "server.otlp_http").await?;
        addresses.otlp_http = Some(bound);
        others.push((listener, false));
    }
    if let Some(address) = config.server.otlp_grpc.filter(|_| otlp) {
        let (listener, bound) = listener(address, "server.otlp_grpc").await?;
        addresses.otlp_grpc = Some(bound);
        others.push((listener, true));
    }
    Ok((main, addresses, others))
}

pub(super) async fn listener(address: SocketAddr, key: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let cannot = |source| StartError::Listen { address, key, source };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, bound))
}
