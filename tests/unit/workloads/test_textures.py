"""What the textures promise: images that tell their class, labels that lie as often as stated, batches that nest."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

from workloads.base import Arrays
from workloads.common import textures
from workloads.common.textures import PIXEL_MEAN, PIXEL_STD, Textures

SMALL = Textures(side=16, classes=10, label_noise=0.1, batches=8, batch=8, seed=1202)
LARGER = replace(SMALL, side=64, classes=16, batches=2)
TASKS = [pytest.param(SMALL, id="16 pixels"), pytest.param(LARGER, id="64 pixels")]


def digest(arrays: Arrays) -> str:
    text = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        text.update(name.encode() + values.tobytes())
    return text.hexdigest()[:16]


def true_classes(task: Textures) -> np.ndarray:
    return np.stack([task.classes_of(index) for index in range(task.batches)])


def spectrum_classes(images: np.ndarray, task: Textures) -> np.ndarray:
    """Each image's class by the power it has at each class's wave vectors and colours: blind to shifts."""
    waves, colours = task.textures()
    spectra = np.fft.fft2(images - PIXEL_MEAN, axes=(1, 2))
    at_waves = spectra[:, waves[..., 0], waves[..., 1]]
    unit = colours / np.linalg.norm(colours, axis=-1, keepdims=True)
    power = (np.abs((at_waves * unit).sum(axis=-1)) ** 2).sum(axis=-1)
    brightest: np.ndarray = power.argmax(axis=1)
    return brightest


def wrong_by(task: Textures, steps: int) -> np.ndarray:
    """How far each label lies from the true class, [steps, batch]; 0 is right."""
    labels = np.array([inputs["labels"] for inputs in task.inputs(0, steps)])
    away: np.ndarray = (labels - true_classes(task)[np.arange(steps) % task.batches]) % task.classes
    return away


def test_images_and_inputs_are_bit_identical_everywhere() -> None:
    assert digest(SMALL.pool()) == "75cd752b437c14de"
    assert digest(SMALL.inputs(77, 1)[0]) == "3be3d4d3a6b6b4ee"
    assert digest(replace(SMALL, seed=1).pool()) != "75cd752b437c14de"


@pytest.mark.parametrize("task", TASKS)
def test_classes_can_be_told_apart(task: Textures) -> None:
    images = task.pool()["pool"].reshape(-1, task.side, task.side, 3)
    assert (spectrum_classes(images, task) == true_classes(task).ravel()).mean() > 0.99


def test_a_circular_shift_keeps_the_class() -> None:
    images = SMALL.pool()["pool"][0]
    shifted = np.roll(images, (5, 11), axis=(1, 2))
    assert np.array_equal(spectrum_classes(shifted, SMALL), spectrum_classes(images, SMALL))
    assert not np.array_equal(shifted, images)


@pytest.mark.parametrize("task", TASKS)
def test_normalised_images_have_unit_variance(task: Textures) -> None:
    images = (task.pool()["pool"] - PIXEL_MEAN) / PIXEL_STD
    assert images.mean() == pytest.approx(0, abs=0.05)
    assert images.var() == pytest.approx(1, abs=0.15)


def test_a_smaller_batch_is_the_beginning_of_a_larger_one() -> None:
    few, many = replace(SMALL, batch=3), replace(SMALL, batch=9)
    assert np.array_equal(few.pool()["pool"], many.pool()["pool"][:, :3])
    for less, more in zip([few.audit(), *few.inputs(0, 40)], [many.audit(), *many.inputs(0, 40)], strict=True):
        assert np.array_equal(less["view"], more["view"])
        assert np.array_equal(less["labels"], more["labels"][:3])


def test_no_two_steps_see_the_same_before_all_shifts_are_used_and_none_sees_the_audit() -> None:
    rounds = SMALL.batches * (SMALL.side**2 - 1)
    views = [tuple(inputs["view"]) for inputs in SMALL.inputs(0, rounds + 1)]
    assert len(set(views[:-1])) == rounds
    assert views[-1] == views[0]
    assert tuple(SMALL.audit()["view"]) not in views


@pytest.mark.parametrize("side", [16, 64, 96, 224])
def test_shifts_visit_every_place_of_an_image(side: int) -> None:
    assert math.gcd(textures._STRIDE, side**2) == 1


def test_a_step_depends_on_the_seed_and_its_number_alone() -> None:
    alone, among = SMALL.inputs(77, 1)[0], SMALL.inputs(70, 10)[7]
    assert digest(alone) == digest(among)
    assert digest(replace(SMALL, seed=1).inputs(77, 1)[0]) != digest(alone)


def test_labels_are_wrong_as_often_as_stated_and_evenly() -> None:
    away = wrong_by(SMALL, 4000)
    assert (away != 0).mean() == pytest.approx(SMALL.label_noise, abs=0.006)
    counts = np.bincount(away[away != 0], minlength=SMALL.classes)[1:]
    assert counts.min() > 0.8 * counts.mean()


def test_the_floor_is_what_knowing_every_class_leaves_of_the_loss() -> None:
    right, wrong = -math.log(1 - SMALL.label_noise), -math.log(SMALL.label_noise / (SMALL.classes - 1))
    drawn = np.where(wrong_by(SMALL, 4000) == 0, right, wrong)
    assert SMALL.floor_nats() == pytest.approx(drawn.mean(), abs=0.03)


def test_the_audits_labels_are_true() -> None:
    assert np.array_equal(SMALL.audit()["labels"], true_classes(SMALL)[0])
