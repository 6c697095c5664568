"""The table behind the registry: one entry a metric."""

from __future__ import annotations

from carnatic_sep.metrics import bleed, standard, tonal
from carnatic_sep.metrics.comparable import bleedless_of, fullness_of
from carnatic_sep.metrics.spec import MetricSpec
from carnatic_sep.stems import MRIDANGAM, VIOLIN, VOCALS

_HERE = "this project; see the reference page"
_BSSEVAL = "Stöter, Liutkus and Ito, LVA/ICA 2018; museval 0.4"
_MIR_EVAL = "Raffel et al., mir_eval, ISMIR 2014"
_MSST = "ZFTurbo, Music-Source-Separation-Training"

STANDARD = (
    MetricSpec(
        name="sdr",
        unit="dB",
        better="higher",
        needs=("reference",),
        function=standard.global_sdr,
        source="Fabbro et al., Sound Demixing Challenge 2023, without its constant",
        group="standard",
    ),
    MetricSpec(
        name="usdr",
        unit="dB",
        better="higher",
        needs=("reference",),
        function=standard.global_usdr,
        source="Mitsufuji et al., Music Demixing Challenge 2021",
        group="standard",
    ),
    MetricSpec(
        name="si_sdr",
        unit="dB",
        better="higher",
        needs=("reference",),
        function=standard.global_si_sdr,
        source="Le Roux et al., ICASSP 2019",
        group="standard",
    ),
    MetricSpec(
        name="csdr",
        unit="dB",
        better="higher",
        needs=("reference",),
        function=standard.median_sdr,
        source="museval's SDR, each stem on its own",
        group="standard",
        frames=standard.framewise,
    ),
    *(
        MetricSpec(
            name=f"bsseval_{which}",
            unit="dB",
            better="higher",
            needs=("references",),
            function=function,
            source=_BSSEVAL,
            group="bsseval",
            frames=frames,
            costly=True,
        )
        for which, function, frames in standard.BSSEVAL
    ),
)

BLEED_TOLERANT = (
    MetricSpec(
        name="lc_sdr",
        unit="dB",
        better="higher",
        needs=("cleaned",),
        function=bleed.lc_sdr_of,
        source=_HERE,
        group="bleed-tolerant",
        frames=bleed.lc_framewise,
    ),
    MetricSpec(
        name="lc_csdr",
        unit="dB",
        better="higher",
        needs=("cleaned",),
        function=bleed.lc_csdr_of,
        source=_HERE,
        group="bleed-tolerant",
        frames=bleed.lc_framewise,
    ),
    MetricSpec(
        name="lc_sir",
        unit="dB",
        better="higher",
        needs=("all cleaned",),
        function=bleed.lc_sir_of,
        source=f"{_HERE}; after Vincent et al., TASLP 2006",
        group="bleed-tolerant",
    ),
    MetricSpec(
        name="lc_sar",
        unit="dB",
        better="higher",
        needs=("all cleaned",),
        function=bleed.lc_sar_of,
        source=f"{_HERE}; Vincent et al., TASLP 2006",
        group="bleed-tolerant",
    ),
    MetricSpec(
        name="slr",
        unit="dB",
        better="higher",
        needs=("mixture", "silent"),
        function=bleed.slr_of,
        source=_HERE,
        group="bleed-tolerant",
    ),
    MetricSpec(
        name="lw_sdr",
        unit="dB",
        better="higher",
        needs=("reference", "cleaned"),
        function=bleed.lw_sdr_of,
        source=_HERE,
        group="bleed-tolerant",
    ),
    MetricSpec(
        name="psd_sir",
        unit="dB",
        better="higher",
        needs=("all cleaned",),
        function=bleed.psd_sir_of,
        source=_HERE,
        group="bleed-tolerant",
    ),
    MetricSpec(
        name="ceiling",
        unit="dB",
        better="higher",
        needs=("reference", "silent"),
        function=bleed.ceiling_of,
        source=_HERE,
        group="bleed-tolerant",
        of_reference=True,
    ),
    MetricSpec(
        name="lc_ceiling",
        unit="dB",
        better="higher",
        needs=("cleaned", "silent"),
        function=bleed.lc_ceiling_of,
        source=_HERE,
        group="bleed-tolerant",
        of_reference=True,
    ),
    MetricSpec(
        name="bleedless",
        unit="points",
        better="higher",
        needs=("reference",),
        function=bleedless_of,
        source=_MSST,
        group="msst",
    ),
    MetricSpec(
        name="fullness",
        unit="points",
        better="higher",
        needs=("reference",),
        function=fullness_of,
        source=_MSST,
        group="msst",
    ),
)

MELODY = (
    *(
        MetricSpec(
            name=f"{name}_{tolerance}" if tolerance else name,
            unit="share",
            better="lower" if name == "voicing_false_alarm" else "higher",
            needs=("melody",),
            function=tonal.melody_metric(name, tolerance_cents=float(tolerance or 50)),
            source=_MIR_EVAL,
            group="melody",
            stems=(VOCALS,),
        )
        for name, tolerance in (
            ("raw_pitch", 50),
            ("raw_pitch", 25),
            ("raw_chroma", 50),
            ("raw_chroma", 25),
            ("voicing_recall", 0),
            ("voicing_false_alarm", 0),
            ("overall_accuracy", 50),
            ("overall_accuracy", 25),
        )
    ),
    MetricSpec(
        name="gamaka_correlation",
        unit="correlation",
        better="higher",
        needs=("melody",),
        function=tonal.gamaka_metric("correlation"),
        source=_HERE,
        group="melody",
        stems=(VOCALS,),
    ),
    MetricSpec(
        name="gamaka_rms",
        unit="cents",
        better="lower",
        needs=("melody",),
        function=tonal.gamaka_metric("rms_cents"),
        source=_HERE,
        group="melody",
        stems=(VOCALS,),
    ),
    MetricSpec(
        name="drone_locking",
        unit="share",
        better="lower",
        needs=("melody", "tonic"),
        function=tonal.drone_locking_of,
        source=_HERE,
        group="melody",
        stems=(VOCALS,),
    ),
    MetricSpec(
        name="confusion",
        unit="dB",
        better="lower",
        needs=("melody", "rival melody"),
        function=tonal.confusion_of,
        source=_HERE,
        group="melody",
        stems=(VOCALS, VIOLIN),
    ),
)

RHYTHM = (
    *(
        MetricSpec(
            name=f"onset_{short}",
            unit="share",
            better="higher",
            needs=("reference",),
            function=tonal.onset_metric(field),
            source=_MIR_EVAL,
            group="rhythm",
            stems=(MRIDANGAM,),
        )
        for short, field in (("precision", "precision"), ("recall", "recall"), ("f", "f_measure"))
    ),
    *(
        MetricSpec(
            name=f"stroke_{hand}",
            unit="dB",
            better="lower",
            needs=("reference",),
            function=tonal.stroke_metric(f"{hand}_db"),
            source=_HERE,
            group="rhythm",
            stems=(MRIDANGAM,),
        )
        for hand in ("left", "right")
    ),
)
