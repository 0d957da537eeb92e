//! How certificates are judged during a handshake: by pins alone. Called by the TLS library with what [`super`] configures.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::{ServerPin, WrongDevice, WrongKey};
use crate::id::{DeviceId, Fingerprint};
use crate::identity::{Chain, VerifiedChain, spki_hash};

fn wrong(reason: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::InvalidCertificate(rustls::CertificateError::Other(rustls::OtherError(Arc::new(reason))))
}

fn bad(text: &str) -> Error {
    Error::General(text.to_owned())
}

/// The two certificates of a peer or of a client, as it showed them: exactly two, not verified.
fn two(end_entity: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<Chain, Error> {
    let [account] = rest else { return Err(bad("a chain is exactly two certificates")) };
    Ok(Chain { device: end_entity.to_vec(), account: account.to_vec() })
}

fn general(error: impl std::fmt::Display) -> Error {
    Error::General(error.to_string())
}

/// The chain of a handshake that is over: [`Pin::check`] has verified it, and twice would be half the price of a sign-in.
pub(super) fn chain_of(
    end_entity: &CertificateDer<'_>,
    rest: &[CertificateDer<'_>],
) -> Result<(Chain, VerifiedChain), Error> {
    let chain = two(end_entity, rest)?;
    let verified = chain.read().map_err(general)?;
    Ok((chain, verified))
}

/// Which chains are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pin {
    /// Any account's device: the server looks it up afterwards.
    Anybody,
    /// That device of that account.
    Device(Fingerprint, DeviceId),
}

impl Pin {
    fn check(self, end_entity: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<(), Error> {
        let seen = two(end_entity, rest)?.verify().map_err(general)?;
        match self {
            Self::Device(expected, _) if expected != seen.account => {
                Err(wrong(WrongKey { expected, seen: seen.account }))
            }
            Self::Device(_, expected) if expected != seen.device => {
                Err(wrong(WrongDevice { expected, seen: seen.device }))
            }
            Self::Anybody | Self::Device(..) => Ok(()),
        }
    }
}

/// Verifies chains of two on either side of a connection.
#[derive(Debug)]
pub(super) struct ChainVerifier {
    pub(super) pin: Pin,
    pub(super) mandatory: bool,
    pub(super) provider: Arc<CryptoProvider>,
}

/// The parts of a verifier that never differ: TLS 1.2 does not happen, 1.3 signatures are the library's.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(bad("TLS 1.2 is not spoken"))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }
    };
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.pin.check(end_entity, rest).map(|()| ServerCertVerified::assertion())
    }
    signatures!();
}

impl ClientCertVerifier for ChainVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.pin.check(end_entity, rest).map(|()| ClientCertVerified::assertion())
    }
    signatures!();
}

/// Verifies the server's single self-signed certificate by its pin.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    pub(super) pin: ServerPin,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ServerVerifier {
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<Fingerprint, Error> {
        let seen = spki_hash(certificate).map(Fingerprint).map_err(|error| Error::General(error.to_string()))?;
        let expected = match &self.pin {
            ServerPin::Exact(expected) => *expected,
            ServerPin::FirstUse(cell) => cell.get().copied().unwrap_or(seen),
        };
        if expected == seen { Ok(seen) } else { Err(wrong(WrongKey { expected, seen })) }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !rest.is_empty() {
            return Err(bad("a server shows one certificate"));
        }
        self.check(end_entity).map(|_seen| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(bad("TLS 1.2 is not spoken"))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let valid = verify_tls13_signature(message, certificate, signed, algorithms)?;
        let seen = self.check(certificate)?;
        if let ServerPin::FirstUse(cell) = &self.pin {
            // Only now is the key proved: a certificate alone can be shown by anybody. Two connections may be the first at once.
            let expected = *cell.get_or_init(|| seen);
            if expected != seen {
                return Err(wrong(WrongKey { expected, seen }));
            }
        }
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
