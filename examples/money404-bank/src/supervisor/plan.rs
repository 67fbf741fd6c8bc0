//! Which processes make the bank, where they listen, and with what they are started. It starts nothing itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::child::ProcessView;
use crate::options::UpOptions;
use crate::serve::StartError;
use crate::token::Token;

/// One process: what the supervisor needs in order to start it, again and again in the same way.
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) address: Option<SocketAddr>,
    pub(super) arguments: Vec<String>,
    /// Secrets go this way: a command line can be read by everybody on the machine.
    pub(super) environment: Vec<(&'static str, String)>,
}

/// A port that is kept for a child: bound, but not listened on. With `SO_REUSEADDR` on both sides, Linux lets the child bind it
/// too and listen, while nobody else is given it; and while the child is dead, connections are refused as they should be.
struct Reserved {
    _socket: TcpSocket,
    address: SocketAddr,
}

impl Reserved {
    fn new(service: &'static str, port: u16) -> Result<Self, StartError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let bind = || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(wanted)?;
            let address = socket.local_addr()?;
            Ok(Self { _socket: socket, address })
        };
        bind().map_err(|source| StartError::Bind { service, address: wanted, source })
    }
}

/// The bank's ports, kept for as long as this lives.
pub(super) struct Ports {
    control: Reserved,
    front: Reserved,
    accounts: Reserved,
    payments: Reserved,
    secrets: Reserved,
}

impl Ports {
    /// Reserves what the options ask for.
    pub(super) fn reserve(options: &UpOptions) -> Result<Self, StartError> {
        Ok(Self {
            control: Reserved::new("control", options.control_port)?,
            front: Reserved::new("front", options.front_port)?,
            accounts: Reserved::new("accounts", options.accounts_port)?,
            payments: Reserved::new("payments", options.payments_port)?,
            secrets: Reserved::new("secrets", options.secrets_port)?,
        })
    }

    pub(super) fn control(&self) -> SocketAddr {
        self.control.address
    }

    pub(super) fn front(&self) -> SocketAddr {
        self.front.address
    }

    /// `addresses.json`: base URLs by process name, and that of the control API.
    pub(super) fn document(&self, processes: &[ProcessView]) -> Value {
        let mut document = json!({ "control": format!("http://{}", self.control()) });
        for process in processes {
            if let Some(address) = &process.address {
                document[process.name.as_str()] = json!(format!("http://{address}"));
            }
        }
        document
    }
}

/// The bank's processes, in the order of their start: who is called comes before who calls.
pub(super) fn processes(options: &UpOptions, ports: &Ports, data: &Path) -> Vec<Plan> {
    let service_token = Token::random().reveal().to_owned();
    let vault_token = Token::random().reveal().to_owned();
    let data = data.display().to_string();
    let url = |port: &Reserved| format!("http://{}", port.address);
    let plan = |name: &'static str,
                port: Option<&Reserved>,
                more: &[(&str, String)],
                environment: &[(&'static str, &String)]| {
        let mut arguments = vec![name.to_owned(), "--supervised".to_owned(), "--otlp".to_owned(), options.otlp.clone()];
        if let Some(port) = port {
            arguments.extend(["--listen".to_owned(), port.address.to_string()]);
        }
        for (flag, value) in more {
            arguments.extend([(*flag).to_owned(), value.clone()]);
        }
        let environment = environment.iter().map(|(name, value)| (*name, (*value).clone())).collect();
        Plan { name, address: port.map(|port| port.address), arguments, environment }
    };
    let service = ("BANK_SERVICE_TOKEN", &service_token);
    let vault = ("BANK_VAULT_TOKEN", &vault_token);
    let admin = ("BANK_ADMIN_TOKEN", &options.admin_token);
    vec![
        plan("secrets", Some(&ports.secrets), &[("--data", data.clone())], &[vault]),
        plan("accounts", Some(&ports.accounts), &[("--data", data.clone())], &[service]),
        plan(
            "payments",
            Some(&ports.payments),
            &[("--data", data.clone()), ("--secrets", url(&ports.secrets))],
            &[service, vault],
        ),
        plan(
            "front",
            Some(&ports.front),
            &[("--data", data), ("--accounts", url(&ports.accounts)), ("--payments", url(&ports.payments))],
            &[service, admin],
        ),
        plan("driver", None, &[("--front", url(&ports.front)), ("--customers", options.customers.to_string())], &[]),
    ]
}
