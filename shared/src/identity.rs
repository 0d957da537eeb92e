//! Who somebody is: an account's identity key, its devices' keys, the certificates between them, and everything that they sign. Used by
//! both programs; `tls.rs` proves the same certificates on every connection.
//!
//! Certificates are X.509 so that any language's TLS library can talk to us, but the pin decides, and validity dates do not. A chain is
//! exactly two: the device's, issued by the account's. Every other signature covers `hobnob/1/<purpose>`, a zero byte, and CBOR bytes.

mod der;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, PKCS_ED25519, PublicKeyData,
    SignatureAlgorithm, SigningKey,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::codec::{from_cbor, to_cbor};
use crate::id::{DeviceId, Fingerprint, Handle};
use crate::limits;

/// Purpose of the identity key's signature over a [`DeviceList`].
pub const DEVICE_LIST: &str = "device-list";
/// DER of an Ed25519 `SubjectPublicKeyInfo` up to the 32 bytes of the key (RFC 8410).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Certificates are judged at this moment, 2026-01-01: clocks may be wrong, the pin is not.
const JUDGED_AT: u64 = 1_767_225_600;
/// Rounds of hashing in a safety number, as in Signal's construction: makes a search for a near match costly.
const SAFETY_ROUNDS: usize = 5_200;

/// Why a certificate, a signature or a key does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a certificate of ours, too long, or not issued by the account's.
    #[error("bad certificate: {0}")]
    Certificate(String),
    /// The signature is not by that key over these bytes.
    #[error("bad signature")]
    Signature,
    /// The signed bytes are not what they should be.
    #[error("bad statement: {0}")]
    Body(String),
    /// Key bytes that cannot be used.
    #[error("bad key")]
    Key,
}

/// Secret key bytes and what can be done with them.
struct Secret {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: Ed25519KeyPair,
}

impl Secret {
    fn generate() -> Result<Self, IdentityError> {
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&rng).map_err(|_| IdentityError::Key)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, IdentityError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| IdentityError::Key)?;
        Ok(Self { pkcs8: Zeroizing::new(pkcs8.to_vec()), pair })
    }

    fn sign_for(&self, purpose: &str, bytes: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(&signed_bytes(purpose, bytes)).as_ref());
        out
    }

    /// SHA-256 of the public key's `SubjectPublicKeyInfo`.
    fn name(&self) -> [u8; 32] {
        let mut spki = ED25519_SPKI.to_vec();
        spki.extend_from_slice(self.pair.public_key().as_ref());
        Sha256::digest(&spki).into()
    }
}

/// Lets the certificate library sign with the key where it lies, instead of with a copy that nobody wipes.
impl PublicKeyData for Secret {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl SigningKey for Secret {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

fn signed_bytes(purpose: &str, bytes: &[u8]) -> Vec<u8> {
    [b"hobnob/1/", purpose.as_bytes(), b"\0", bytes].concat()
}

/// Checks an Ed25519 signature over `bytes` for `purpose` by the public key of 32 bytes.
pub fn verify_signature(key: &[u8; 32], purpose: &str, bytes: &[u8], signature: &[u8]) -> Result<(), IdentityError> {
    UnparsedPublicKey::new(&ED25519, key)
        .verify(&signed_bytes(purpose, bytes), signature)
        .map_err(|_| IdentityError::Signature)
}

/// An account's key. Made on the client, wiped from memory when dropped, on the server only sealed.
pub struct IdentityKey(Secret);

/// A device's key: stays on the device.
pub struct DeviceKey(Secret);

macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
redacted!(IdentityKey, DeviceKey);

impl IdentityKey {
    /// A fresh one.
    pub fn generate() -> Result<Self, IdentityError> {
        Secret::generate().map(Self)
    }

    /// From PKCS #8.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, IdentityError> {
        Secret::from_pkcs8(pkcs8).map(Self)
    }

    /// PKCS #8, to be sealed.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.0.pkcs8.clone()
    }

    /// What others pin.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.0.name())
    }

    /// Signs CBOR bytes for a purpose.
    pub fn sign(&self, purpose: &str, bytes: &[u8]) -> [u8; 64] {
        self.0.sign_for(purpose, bytes)
    }

    /// The account's self-signed certificate, DER.
    pub fn account_certificate(&self, user: &Handle) -> Result<Vec<u8>, IdentityError> {
        let certificate = account_params(user)?.self_signed(&self.0).map_err(certificate_error)?;
        Ok(certificate.der().to_vec())
    }

    /// The certificate of a device of this account, DER.
    pub fn issue_device(&self, user: &Handle, device: &DeviceKey) -> Result<Vec<u8>, IdentityError> {
        let mut params = CertificateParams::new(vec!["device.hobnob".to_owned()]).map_err(certificate_error)?;
        long_lived(&mut params);
        params.distinguished_name.push(DnType::CommonName, "device");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let account = account_params(user)?;
        let issuer = Issuer::from_params(&account, &self.0);
        let certificate = params.signed_by(&device.0, &issuer).map_err(certificate_error)?;
        Ok(certificate.der().to_vec())
    }
}

impl DeviceKey {
    /// A fresh one.
    pub fn generate() -> Result<Self, IdentityError> {
        Secret::generate().map(Self)
    }

    /// From PKCS #8.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, IdentityError> {
        Secret::from_pkcs8(pkcs8).map(Self)
    }

    /// PKCS #8, for the profile and for TLS.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.0.pkcs8.clone()
    }

    /// The device's name.
    pub fn id(&self) -> DeviceId {
        DeviceId(self.0.name())
    }

    /// Signs CBOR bytes for a purpose.
    pub fn sign(&self, purpose: &str, bytes: &[u8]) -> [u8; 64] {
        self.0.sign_for(purpose, bytes)
    }
}

fn long_lived(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(4096, 1, 1);
}

/// The same for the self-signed certificate and for what it issues.
fn account_params(user: &Handle) -> Result<CertificateParams, IdentityError> {
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(certificate_error)?;
    long_lived(&mut params);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::CommonName, user.as_str());
    Ok(params)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn certificate_error(error: rcgen::Error) -> IdentityError {
    IdentityError::Certificate(error.to_string())
}

/// A server's long-lived key and certificate: DER and PKCS #8.
pub fn self_signed_server() -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), IdentityError> {
    let key = Secret::generate()?;
    let mut params = CertificateParams::new(vec!["server.hobnob".to_owned()]).map_err(certificate_error)?;
    long_lived(&mut params);
    params.distinguished_name.push(DnType::CommonName, "hobnob-server");
    let certificate = params.self_signed(&key).map_err(certificate_error)?;
    Ok((certificate.der().to_vec(), key.pkcs8.clone()))
}

/// SHA-256 of a certificate's `SubjectPublicKeyInfo`.
pub fn spki_hash(certificate: &[u8]) -> Result<[u8; 32], IdentityError> {
    Ok(Sha256::digest(spki(certificate)?).into())
}

fn spki(certificate: &[u8]) -> Result<Vec<u8>, IdentityError> {
    let der = CertificateDer::from(certificate);
    let parsed = ParsedCertificate::try_from(&der).map_err(|error| IdentityError::Certificate(error.to_string()))?;
    Ok(parsed.subject_public_key_info().as_ref().to_vec())
}

/// The Ed25519 key in a certificate.
pub fn public_key(certificate: &[u8]) -> Result<[u8; 32], IdentityError> {
    let spki = spki(certificate)?;
    let key = spki.strip_prefix(&ED25519_SPKI).and_then(|key| key.try_into().ok());
    key.ok_or_else(|| IdentityError::Certificate("not an Ed25519 key".into()))
}

/// A device's certificate and the account's that issued it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// DER.
    #[serde(with = "serde_bytes")]
    pub device: Vec<u8>,
    /// DER, self-signed.
    #[serde(with = "serde_bytes")]
    pub account: Vec<u8>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain({} + {} bytes)", self.device.len(), self.account.len())
    }
}

/// What a chain proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedChain {
    /// The account, as pinned.
    pub account: Fingerprint,
    /// The device.
    pub device: DeviceId,
    /// The identity key.
    pub account_key: [u8; 32],
    /// The device key.
    pub device_key: [u8; 32],
}

impl Chain {
    /// Checks that the account's certificate is self-signed Ed25519 and has issued the device's.
    pub fn verify(&self) -> Result<VerifiedChain, IdentityError> {
        if self.device.len() > limits::CERTIFICATE || self.account.len() > limits::CERTIFICATE {
            return Err(IdentityError::Certificate("too long".into()));
        }
        let verified = self.read()?;
        // A trust anchor is taken as it is, so that the account's own signature has to be checked by hand.
        let (signed, signature) =
            der::signed_parts(&self.account).ok_or_else(|| IdentityError::Certificate("not a certificate".into()))?;
        UnparsedPublicKey::new(&ED25519, verified.account_key)
            .verify(signed, signature)
            .map_err(|_| IdentityError::Certificate("the account's is not self-signed".into()))?;
        let refuse = |error: rustls::Error| IdentityError::Certificate(error.to_string());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.account.as_slice())).map_err(refuse)?;
        let device = CertificateDer::from(self.device.as_slice());
        let parsed = ParsedCertificate::try_from(&device).map_err(refuse)?;
        rustls::client::verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &roots,
            &[],
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(JUDGED_AT)),
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all,
        )
        .map_err(refuse)?;
        Ok(verified)
    }

    /// Keys and names without a look at signatures: for a chain that a handshake has verified already.
    pub(crate) fn read(&self) -> Result<VerifiedChain, IdentityError> {
        Ok(VerifiedChain {
            account: Fingerprint(spki_hash(&self.account)?),
            device: DeviceId(spki_hash(&self.device)?),
            account_key: public_key(&self.account)?,
            device_key: public_key(&self.device)?,
        })
    }
}

/// Something said in an account's name, signed by one of its devices, with the chain that proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// CBOR, exactly as signed.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// Whose device.
    pub chain: Chain,
    /// By the device key.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl Statement {
    /// Signs `body` for `purpose`.
    pub fn sign<T: Serialize>(purpose: &str, body: &T, key: &DeviceKey, chain: Chain) -> Result<Self, IdentityError> {
        let body = to_cbor(body).map_err(|error| IdentityError::Body(error.to_string()))?;
        let signature = key.sign(purpose, &body).to_vec();
        Ok(Self { body, chain, signature })
    }

    /// Checks chain and signature; gives what was said and by whom. Whether the device is still in the account's list is the caller's.
    pub fn verify<T: DeserializeOwned>(&self, purpose: &str) -> Result<(T, VerifiedChain), IdentityError> {
        let chain = self.chain.verify()?;
        verify_signature(&chain.device_key, purpose, &self.body, &self.signature)?;
        let body = from_cbor(&self.body).map_err(|error| IdentityError::Body(error.to_string()))?;
        Ok((body, chain))
    }
}

/// Something signed by the identity key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityStatement {
    /// CBOR, exactly as signed.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// By the identity key.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl IdentityStatement {
    /// Signs `body` for `purpose`.
    pub fn sign<T: Serialize>(purpose: &str, body: &T, key: &IdentityKey) -> Result<Self, IdentityError> {
        let body = to_cbor(body).map_err(|error| IdentityError::Body(error.to_string()))?;
        let signature = key.sign(purpose, &body).to_vec();
        Ok(Self { body, signature })
    }

    /// Checks it against the account's certificate (DER).
    pub fn verify<T: DeserializeOwned>(&self, purpose: &str, account_certificate: &[u8]) -> Result<T, IdentityError> {
        verify_signature(&public_key(account_certificate)?, purpose, &self.body, &self.signature)?;
        from_cbor(&self.body).map_err(|error| IdentityError::Body(error.to_string()))
    }
}

/// Something that the server says, signed by the key that clients pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatement {
    /// CBOR, exactly as signed.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// The server's public key, 32 bytes of Ed25519.
    #[serde(with = "serde_bytes")]
    pub key: [u8; 32],
    /// By that key.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

/// A server's signing key, the one behind its TLS certificate.
pub struct ServerKey(Secret);

redacted!(ServerKey);

impl ServerKey {
    /// From PKCS #8, as [`self_signed_server`] made it.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, IdentityError> {
        Secret::from_pkcs8(pkcs8).map(Self)
    }

    /// What clients pin.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.0.name())
    }

    /// Signs `body` for `purpose`.
    pub fn sign<T: Serialize>(&self, purpose: &str, body: &T) -> Result<ServerStatement, IdentityError> {
        let body = to_cbor(body).map_err(|error| IdentityError::Body(error.to_string()))?;
        let key = self.0.pair.public_key().as_ref().try_into().map_err(|_| IdentityError::Key)?;
        let signature = self.0.sign_for(purpose, &body).to_vec();
        Ok(ServerStatement { body, key, signature })
    }
}

impl ServerStatement {
    /// Checks it against the pinned fingerprint of the server.
    pub fn verify<T: DeserializeOwned>(&self, purpose: &str, server: Fingerprint) -> Result<T, IdentityError> {
        let name: [u8; 32] = Sha256::digest([&ED25519_SPKI[..], &self.key].concat()).into();
        if name != server.0 {
            return Err(IdentityError::Key);
        }
        verify_signature(&self.key, purpose, &self.body, &self.signature)?;
        from_cbor(&self.body).map_err(|error| IdentityError::Body(error.to_string()))
    }
}

/// The devices of an account. Peers refuse a list with a lower number than they have seen, and devices not on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceList {
    /// Grows by one with every change, from 1.
    pub number: u64,
    /// At most [`limits::DEVICES`]; a longer list is malformed.
    #[serde(deserialize_with = "few_devices")]
    pub devices: Vec<DeviceId>,
    /// Milliseconds since 1970, for people.
    pub issued_at: u64,
    /// Devices that were taken off the list, the newest [`limits::DEVICES`]: what they sign after that moment does not count.
    #[serde(default, deserialize_with = "few_removed")]
    pub removed: Vec<RemovedDevice>,
}

/// A device that does not belong to the account any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedDevice {
    /// Which.
    pub device: DeviceId,
    /// Since when, milliseconds since 1970.
    pub at: u64,
}

fn few_removed<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<RemovedDevice>, D::Error> {
    let removed = Vec::deserialize(d)?;
    if removed.len() > limits::DEVICES {
        return Err(serde::de::Error::invalid_length(removed.len(), &"few removed devices"));
    }
    Ok(removed)
}

fn few_devices<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<DeviceId>, D::Error> {
    let devices = Vec::deserialize(d)?;
    if devices.len() > limits::DEVICES {
        return Err(serde::de::Error::invalid_length(devices.len(), &"few devices"));
    }
    Ok(devices)
}

/// The 60 digits that two people compare: 30 from each side's key and name, the smaller half first, so that both see the same. Signal's
/// construction of numeric fingerprints, version 0, over our fingerprints.
pub fn safety_number(one: (&Handle, &Fingerprint), other: (&Handle, &Fingerprint)) -> String {
    let mut halves = [half(one), half(other)];
    halves.sort();
    halves.concat()
}

fn half((user, key): (&Handle, &Fingerprint)) -> String {
    let mut hash: Vec<u8> = [&[0, 0][..], &key.0, user.as_str().as_bytes()].concat();
    for _ in 0..SAFETY_ROUNDS {
        hash = Sha512::new().chain_update(&hash).chain_update(key.0).finalize().to_vec();
    }
    let groups = hash.chunks_exact(5).take(6);
    groups.fold(String::with_capacity(30), |mut digits, five| {
        let number = five.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)) % 100_000;
        // Writing to a text cannot fail.
        let _written = write!(digits, "{number:05}");
        digits
    })
}
