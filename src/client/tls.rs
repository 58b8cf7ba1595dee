//! TLS for the clients of `reqwest`, which has no cryptography of its own here.

pub(super) use backend::{with_system_certificates, without_certificates};

#[cfg(feature = "rustls")]
mod backend {
    use crate::error::{Error, Result};
    use reqwest::ClientBuilder;
    use rustls::client::WantsClientCert;
    use rustls::crypto::{CryptoProvider, ring};
    use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
    use rustls_platform_verifier::Verifier;
    use std::sync::Arc;

    fn config(
        provider: &Arc<CryptoProvider>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
        ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)
    }

    fn set(
        builder: ClientBuilder,
        config: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> ClientBuilder {
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        builder.tls_backend_preconfigured(config)
    }

    /// Returns the cryptography that the program has installed for the process, otherwise `ring`.
    fn provider() -> Arc<CryptoProvider> {
        CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()))
    }

    fn unusable(error: rustls::Error) -> Error {
        Error::Configuration(format!("TLS cannot be set up: {error}"))
    }

    /// Trusts the system's certificates.
    pub(in crate::client) fn with_system_certificates(
        builder: ClientBuilder,
    ) -> Result<ClientBuilder> {
        let provider = provider();
        let verifier = Verifier::new(Arc::clone(&provider)).map_err(unusable)?;
        // The method's name warns of other verifiers. This one verifies as the system does.
        let config =
            config(&provider)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(set(builder, config))
    }

    /// Trusts no certificate at all, for a client that uses no TLS: reading the system's takes
    /// milliseconds.
    pub(in crate::client) fn without_certificates(builder: ClientBuilder) -> Result<ClientBuilder> {
        Ok(set(builder, config(&provider())?.with_root_certificates(RootCertStore::empty())))
    }
}

#[cfg(not(feature = "rustls"))]
mod backend {
    use crate::error::Result;
    use reqwest::ClientBuilder;

    pub(in crate::client) fn with_system_certificates(
        builder: ClientBuilder,
    ) -> Result<ClientBuilder> {
        Ok(builder)
    }

    pub(in crate::client) fn without_certificates(builder: ClientBuilder) -> Result<ClientBuilder> {
        #[cfg(feature = "native-tls")]
        let builder = builder.tls_certs_only([]);
        Ok(builder)
    }
}
