"""Layers: forward, backward and named parameters."""

from descent.layers._layer import Layer, without_backward
from descent.layers._parameter import Parameter, coalesce, flatten
from descent.layers._windows import conv_output_size
from descent.layers.activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from descent.layers.analysis import flops, parameter_count, receptive_field, summary, trace
from descent.layers.batch_norm import BatchNorm1d, BatchNorm2d
from descent.layers.containers import Residual, Sequential
from descent.layers.conv import Conv2d, conv2d
from descent.layers.dropout import Dropout, Dropout2d, StochasticDepth
from descent.layers.im2col import col2im, im2col
from descent.layers.initialization import (
    calculate_gain,
    kaiming_normal_,
    kaiming_uniform_,
    lsuv_,
    orthogonal_,
    xavier_normal_,
    xavier_uniform_,
)
from descent.layers.instance_norm import InstanceNorm1d, InstanceNorm2d
from descent.layers.linear import Linear
from descent.layers.normalization import GroupNorm, L2Normalize, LayerNorm
from descent.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from descent.layers.shape import Flatten
from descent.layers.spectral_norm import SpectralNorm

__all__ = [
    "ELU",
    "GELU",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "L2Normalize",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "SpectralNorm",
    "StochasticDepth",
    "Tanh",
    "calculate_gain",
    "coalesce",
    "col2im",
    "conv2d",
    "conv_output_size",
    "flatten",
    "flops",
    "im2col",
    "kaiming_normal_",
    "kaiming_uniform_",
    "lsuv_",
    "orthogonal_",
    "parameter_count",
    "receptive_field",
    "summary",
    "trace",
    "without_backward",
    "xavier_normal_",
    "xavier_uniform_",
]
