//! TLS for HTTPS trackers: rustls with the ring provider, named explicitly so that no process-wide
//! default is read or set.
//!
//! Certificate roots are the system's (found by rustls-native-certs, which honours the environment
//! variables `SSL_CERT_FILE` and `SSL_CERT_DIR`), else Mozilla's list compiled in, or exactly the
//! PEM file the host named. Without the feature `tls` the type is here and says no.

use std::io;
use std::path::PathBuf;

#[cfg(feature = "tls")]
use std::sync::Arc;

#[cfg(feature = "tls")]
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

/// A session's TLS client. Roots are read on first use, once, off the network threads.
#[derive(Debug, Default)]
pub struct Tls {
    ca_file: Option<PathBuf>,
    #[cfg(feature = "tls")]
    config: tokio::sync::OnceCell<Arc<ClientConfig>>,
}

/// A TLS connection.
#[cfg(feature = "tls")]
pub type TlsStream = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

impl Tls {
    /// A client that trusts the certificates in the PEM file `ca_file`, or the system's.
    #[must_use]
    pub fn new(ca_file: Option<PathBuf>) -> Self {
        Self {
            ca_file,
            #[cfg(feature = "tls")]
            config: tokio::sync::OnceCell::new(),
        }
    }

    /// The file given to [`Self::new`].
    #[must_use]
    pub fn ca_file(&self) -> Option<&PathBuf> {
        self.ca_file.as_ref()
    }
}

#[cfg(feature = "tls")]
impl Tls {
    /// Speaks TLS over `stream` with the server `host` (a name, or an address without brackets).
    pub async fn connect(
        &self,
        stream: tokio::net::TcpStream,
        host: &str,
    ) -> io::Result<TlsStream> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not a TLS server name"))?;
        let config = self.config.get_or_try_init(|| self.load()).await?;
        tokio_rustls::TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }

    /// Reads the roots on the runtime's blocking pool.
    async fn load(&self) -> io::Result<Arc<ClientConfig>> {
        let ca_file = self.ca_file.clone();
        tokio::task::spawn_blocking(move || client_config(ca_file))
            .await
            .map_err(io::Error::other)?
    }
}

#[cfg(feature = "tls")]
fn client_config(ca_file: Option<PathBuf>) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca_file {
        let certs = CertificateDer::pem_file_iter(&path).map_err(io::Error::other)?;
        for cert in certs {
            roots.add(cert.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        if roots.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in the file"));
        }
    } else {
        // A system with some unreadable certificates is still a system with certificates.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(not(feature = "tls"))]
impl Tls {
    /// Always fails: this build does not speak TLS.
    pub async fn connect(
        &self,
        stream: tokio::net::TcpStream,
        _host: &str,
    ) -> io::Result<tokio::net::TcpStream> {
        drop(stream);
        Err(io::Error::new(io::ErrorKind::Unsupported, "built without TLS (feature `tls`)"))
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused_and_the_system_has_roots() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(client_config(Some(file.path().to_owned())).is_err());
        assert!(client_config(Some("/nonexistent/ca.pem".into())).is_err());
        assert!(client_config(None).is_ok());
    }
}
