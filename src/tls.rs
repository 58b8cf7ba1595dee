//! TLS for the clients of `reqwest`, which comes without cryptography of its own.

pub(crate) use backend::{with_system_certificates, without_certificates};

#[cfg(any(feature = "rustls", feature = "native-tls"))]
const NOT_PEM: &str = "a root certificate must be in PEM form (`-----BEGIN CERTIFICATE-----`)";

#[cfg(feature = "rustls")]
mod backend {
    use reqwest::ClientBuilder;
    use rustls::client::WantsClientCert;
    use rustls::crypto::{CryptoProvider, ring};
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
    use rustls_platform_verifier::Verifier;
    use std::sync::Arc;

    /// Trusts the system's certificates, and those of these PEM files.
    pub(crate) fn with_system_certificates(
        builder: ClientBuilder,
        roots: &[impl AsRef<[u8]>],
    ) -> Result<ClientBuilder, String> {
        let mut certificates = Vec::new();
        for pem in roots {
            let before = certificates.len();
            certificates
                .extend(CertificateDer::pem_slice_iter(pem.as_ref()).filter_map(Result::ok));
            if certificates.len() == before {
                return Err(super::NOT_PEM.to_owned());
            }
        }
        let provider = provider();
        let verifier =
            Verifier::new_with_extra_roots(certificates, Arc::clone(&provider)).map_err(failed)?;
        // The method's name warns of other verifiers. This one verifies as the system does.
        let config =
            config(&provider)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(set(builder, config))
    }

    /// Trusts no certificate, for a client that uses no TLS: reading the system's takes milliseconds.
    pub(crate) fn without_certificates(builder: ClientBuilder) -> Result<ClientBuilder, String> {
        Ok(set(builder, config(&provider())?.with_root_certificates(RootCertStore::empty())))
    }

    /// Returns the cryptography that the program has installed for the process, otherwise `ring`.
    fn provider() -> Arc<CryptoProvider> {
        CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()))
    }

    fn config(
        provider: &Arc<CryptoProvider>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
        ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)
    }

    fn set(
        builder: ClientBuilder,
        config: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> ClientBuilder {
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        builder.tls_backend_preconfigured(config)
    }

    fn failed(error: rustls::Error) -> String {
        format!("TLS cannot be set up: {error}")
    }
}

#[cfg(not(feature = "rustls"))]
mod backend {
    use reqwest::ClientBuilder;

    /// Trusts the system's certificates, and those of these PEM files.
    pub(crate) fn with_system_certificates(
        builder: ClientBuilder,
        roots: &[impl AsRef<[u8]>],
    ) -> Result<ClientBuilder, String> {
        #[cfg(not(feature = "native-tls"))]
        if !roots.is_empty() {
            return Err("a root certificate needs the feature `rustls` or `native-tls`".to_owned());
        }
        #[cfg(feature = "native-tls")]
        let builder = roots.iter().try_fold(builder, |builder, pem| {
            let found = reqwest::Certificate::from_pem_bundle(pem.as_ref()).unwrap_or_default();
            if found.is_empty() {
                return Err(super::NOT_PEM.to_owned());
            }
            Ok(builder.tls_certs_merge(found))
        })?;
        Ok(builder)
    }

    /// Trusts no certificate, for a client that uses no TLS: reading the system's takes milliseconds.
    pub(crate) fn without_certificates(builder: ClientBuilder) -> Result<ClientBuilder, String> {
        #[cfg(feature = "native-tls")]
        let builder = builder.tls_certs_only([]);
        Ok(builder)
    }
}
