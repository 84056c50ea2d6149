"""Sixty small models of torchvision and timm, chosen for variety."""

from __future__ import annotations

TORCHVISION = """
    alexnet densenet121 googlenet maxvit_t regnet_y_400mf resnet18 shufflenet_v2_x0_5 squeezenet1_1
    swin_v2_t vit_b_32
    deeplabv3_mobilenet_v3_large fcn_resnet50 lraspp_mobilenet_v3_large
    mvit_v2_s r3d_18 s3d swin3d_t
    fasterrcnn_mobilenet_v3_large_320_fpn fcos_resnet50_fpn retinanet_resnet50_fpn
    ssdlite320_mobilenet_v3_large
    raft_small
    quantized_googlenet quantized_mobilenet_v2
"""
TIMM = """
    bat_resnext26ts botnet26t_256 coat_tiny convnext_atto crossvit_9_240 davit_tiny
    deit_tiny_patch16_224 dla34 edgenext_xx_small efficientformer_l1 efficientnet_b0
    efficientnet_cc_b0_4e efficientvit_b0 eva02_tiny_patch14_224 focalnet_tiny_srf gcresnext26ts
    ghostnet_050 halonet26t hrnet_w18_small inception_next_atto lambda_resnet26t levit_128s
    mixer_s32_224 mixnet_s mobilevit_xxs nf_ecaresnet26 poolformer_s12 repvgg_a0 resnest14d
    seresnet18 skresnet18 swin_tiny_patch4_window7_224 tresnet_m vgg11_bn volo_d1_224
    xcit_nano_12_p16_224
"""
SAMPLE = [
    *(f"torchvision/{name}" for name in TORCHVISION.split()),
    *(f"timm/{name}" for name in TIMM.split()),
]
