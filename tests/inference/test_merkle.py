"""Merkle roots as RFC 6962 defines them, and audit paths that prove each entry and nothing else."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aipro_ml.inference.merkle import inclusion_path, leaf_hash, merkle_root, root_of_path

ENTRIES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""The test vectors of Certificate Transparency's reference implementation."""


def recursive(entries):
    """RFC 6962 §2.1 to the letter."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + recursive(entries[:k]) + recursive(entries[k:])).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_the_roots_are_those_of_the_published_vectors(size):
    assert merkle_root(ENTRIES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize("size", [*range(36), 63, 64, 65, 100])
def test_root_and_paths_are_those_of_the_definition(size):
    entries = [bytes([n]) * 32 for n in range(size)]
    root = merkle_root(entries)
    assert root == recursive(entries)
    for index in range(size):
        assert root_of_path(entries[index], index, size, inclusion_path(entries, index)) == root


@settings(max_examples=150, deadline=None)
@given(size=st.integers(2, 40), data=st.data())
def test_a_path_proves_no_other_entry_place_or_tree(size, data):
    entries = [bytes([n]) * 32 for n in range(size)]
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    path, root = inclusion_path(entries, index), merkle_root(entries)
    assert root_of_path(b"forged", index, size, path) != root
    bent = [*path]
    place = data.draw(st.integers(0, len(path) - 1))
    bent[place] = leaf_hash(bent[place])
    assert root_of_path(entries[index], index, size, bent) != root
    if other != index:
        with suppress(ValueError):
            assert root_of_path(entries[index], other, size, path) != root
    with pytest.raises(ValueError, match="too long"):
        root_of_path(entries[index], index, size, [*path, root])
    with pytest.raises(ValueError, match="too short"):
        root_of_path(entries[index], index, size, path[:-1])


def test_a_place_outside_the_tree_is_refused():
    with pytest.raises(IndexError):
        inclusion_path(ENTRIES, 8)
    with pytest.raises(ValueError, match="no entry 8"):
        root_of_path(b"", 8, 8, [])
