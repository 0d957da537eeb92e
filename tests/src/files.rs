//! Files for tests: random content that no compression or pattern helps with, hashes, and what lies in a folder.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rand::{RngCore, SeedableRng};

/// Writes `size` random bytes to a new file; equal seeds make equal files. No two blocks of 1 MiB are alike.
pub fn random_file(path: &Path, size: u64, seed: u64) -> PathBuf {
    let mut random = rand::rngs::SmallRng::seed_from_u64(seed);
    let mut block = vec![0_u8; 1 << 20];
    random.fill_bytes(&mut block);
    let mut file = std::fs::File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut left = size;
    while left > 0 {
        for (byte, own) in block.iter_mut().zip(left.to_le_bytes()) {
            *byte ^= own;
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        let (now, _) = block.split_at(count);
        file.write_all(now).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        left -= count as u64;
    }
    path.to_owned()
}

/// BLAKE3 of a file, in hexadecimal.
pub fn hash(path: &Path) -> String {
    try_hash(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn try_hash(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// What a file holds; nothing if it is gone: whoever looks into the folders of running programs sees names that do not last.
pub fn read_if_there(path: &Path) -> Vec<u8> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    }
}

/// Everything below `folder`: relative path and hash (folders and special files without one).
pub fn manifest(folder: &Path) -> BTreeMap<PathBuf, Option<String>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            let kind = entry.file_type().ok();
            let inside = path.strip_prefix(folder).unwrap_or(&path).to_owned();
            if kind.is_some_and(|kind| kind.is_dir()) {
                open.push(path);
                found.insert(inside, None);
            } else if kind.is_some_and(|kind| kind.is_file()) {
                match try_hash(&path) {
                    // A running program's file may have another name by now.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    hash => {
                        let hash = hash.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                        found.insert(inside, Some(hash));
                    }
                }
            } else {
                found.insert(inside, None);
            }
        }
    }
    found
}

/// Whether `needle` is in any file below `folder`.
pub fn contains(folder: &Path, needle: &[u8]) -> Option<PathBuf> {
    manifest(folder).into_iter().find_map(|(path, hash)| {
        hash?;
        let mut bytes = Vec::new();
        std::fs::File::open(folder.join(&path)).and_then(|mut file| file.read_to_end(&mut bytes)).ok()?;
        find(&bytes, needle).then_some(path)
    })
}

/// Whether `needle` is in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Writes a picture of one colour.
pub fn plain_picture(path: &Path, [red, green, blue]: [u8; 3]) -> PathBuf {
    bmp(path, |_, _| [blue, green, red])
}

/// Writes a picture of 400 x 300 pixels in the simplest of all formats; `blue` makes it one of its own.
pub fn picture(path: &Path, blue: u8) -> PathBuf {
    bmp(path, |x, y| [blue, if y > 140 { 200 } else { 120 }, x.to_le_bytes()[0] / 2])
}

fn bmp(path: &Path, dot: impl Fn(u32, u32) -> [u8; 3]) -> PathBuf {
    let (width, height) = (400_u32, 300_u32);
    let mut bytes = b"BM".to_vec();
    for number in [54 + width * height * 3, 0, 54, 40, width, height, 24 << 16 | 1, 0, 0, 0, 0, 0, 0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for at in 0..width * height {
        bytes.extend_from_slice(&dot(at % width, at / width));
    }
    write(path, &bytes);
    path.to_owned()
}

/// Writes what says that it is a picture of 60,000 x 60,000 pixels.
pub fn bomb(path: &Path) -> PathBuf {
    let chunk = |name: &[u8], data: &[u8]| {
        let body = [name, data].concat();
        let sum = body.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 })
        });
        [&u32::try_from(data.len()).unwrap_or(0).to_be_bytes(), body.as_slice(), &(!sum).to_be_bytes()].concat()
    };
    let side = 60_000_u32.to_be_bytes();
    let head = [side.as_slice(), &side, &[8, 6, 0, 0, 0]].concat();
    let whole = [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &head), &chunk(b"IDAT", &vec![0; 40_000])].concat();
    write(path, &whole);
    path.to_owned()
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
