"""Commands that lint models of packages other than torchvision and timm, as one types them.

By package, as pip calls it. What a constructor would download is switched off by its own argument.
"""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, ...]] = {
    "transformers": (
        "rflint hf:ViTConfig#ViTForImageClassification --res 224",
        "rflint hf:ResNetConfig#ResNetForImageClassification --res 224",
        "rflint hf:ConvNextConfig#ConvNextForImageClassification --res 224",
        "rflint hf:MobileViTConfig#MobileViTForImageClassification --arg image_size=224 --res 224",
        "rflint hf:SegformerConfig#SegformerForSemanticSegmentation --res 512",
        "rflint hf:SwinConfig#SwinForImageClassification --res 224",
        "rflint hf:YolosConfig#YolosForObjectDetection --arg image_size=[640,640]"
        " --arg num_hidden_layers=4 --res 640",
        "rflint hf:ASTConfig --arg num_hidden_layers=4 --input 1x1024x128",
        "rflint hf:Wav2Vec2Config --arg num_hidden_layers=4 --input 1x16000",
        "rflint hf:WhisperConfig#WhisperForAudioClassification --arg encoder_layers=4"
        " --input 1x80x3000",
        "rflint hf:EncodecConfig --input 1x1x24000",
        "rflint hf:BertConfig --arg num_hidden_layers=4 --input 1x128:int64",
        "rflint hf:GPT2Config#GPT2LMHeadModel --arg n_layer=4 --input 1x128:int64",
        "rflint hf:CLIPConfig --input input_ids=1x77:int64 --input pixel_values=1x3x224x224",
    ),
    "diffusers": (
        "rflint diffusers:AutoencoderKL --res 64",
        "rflint diffusers:AutoencoderTiny --res 64",
        "rflint diffusers:VQModel --res 64",
        "rflint diffusers:AutoencoderKLWan --input 1x3x9x64x64",
        "rflint diffusers:AutoencoderKLCogVideoX --input 1x3x9x64x64",
        "rflint diffusers:UNet2DModel --arg sample_size=64 --input sample=1x3x64x64"
        " --input timestep=500",
        "rflint diffusers:UNet2DConditionModel --arg cross_attention_dim=768"
        " --input sample=1x4x64x64 --input timestep=500"
        " --input encoder_hidden_states=1x77x768",
        "rflint diffusers:DiTTransformer2DModel --arg num_layers=4 --arg sample_size=32"
        " --input hidden_states=1x4x32x32 --input timestep=1:int64:B"
        " --input class_labels=1:int64:B",
        "rflint diffusers:UNet1DModel --arg extra_in_channels=64 --input sample=1x2x4096"
        " --input timestep=500",
    ),
    "ultralytics": (
        "rflint ultralytics.nn.tasks:DetectionModel --arg cfg=yolov8n.yaml --res 640",
        "rflint ultralytics.nn.tasks:DetectionModel --arg cfg=yolo11s.yaml --res 640",
        "rflint ultralytics.nn.tasks:SegmentationModel --arg cfg=yolov8n-seg.yaml --res 640",
        "rflint ultralytics.nn.tasks:PoseModel --arg cfg=yolov8n-pose.yaml --res 640",
        "rflint ultralytics.nn.tasks:ClassificationModel --arg cfg=yolov8n-cls.yaml --res 224",
        "rflint ultralytics:YOLO --arg model=yolo11n.yaml --res 640",
    ),
    "vit-pytorch": (
        "rflint vit_pytorch:ViT --arg image_size=256 --arg patch_size=32 --arg num_classes=10"
        " --arg dim=64 --arg depth=2 --arg heads=4 --arg mlp_dim=64 --res 256",
        "rflint vit_pytorch:SimpleViT --arg image_size=256 --arg patch_size=32"
        " --arg num_classes=10 --arg dim=64 --arg depth=2 --arg heads=4 --arg mlp_dim=64 --res 256",
        "rflint vit_pytorch.cvt:CvT --arg num_classes=10 --res 224",
        "rflint vit_pytorch.levit:LeViT --arg image_size=224 --arg num_classes=10"
        " --arg dim=(64,96,128) --arg depth=2 --arg heads=(2,4,5) --arg mlp_mult=2 --res 224",
        "rflint vit_pytorch.mobile_vit:MobileViT --arg image_size=(256,256) --arg dims=[96,120,144]"
        " --arg channels=[16,32,48,48,64,64,80,80,96,96,384] --arg num_classes=10 --res 256",
        "rflint vit_pytorch.max_vit:MaxViT --arg num_classes=10 --arg dim=32 --arg depth=(1,1,2,1)"
        " --res 224",
        "rflint vit_pytorch.vivit:ViViT --arg image_size=64 --arg frames=8"
        " --arg image_patch_size=16 --arg frame_patch_size=2 --arg num_classes=10 --arg dim=64"
        " --arg spatial_depth=2 --arg temporal_depth=2 --arg heads=4 --arg mlp_dim=64"
        " --input 1x3x8x64x64",
    ),
    "braindecode": (
        "rflint braindecode.models:EEGNet"
        " --arg n_chans=22 --arg n_outputs=4 --arg n_times=1000 --input 1x22x1000",
        "rflint braindecode.models:ShallowFBCSPNet"
        " --arg n_chans=22 --arg n_outputs=4 --arg n_times=1000 --input 1x22x1000",
        "rflint braindecode.models:Deep4Net"
        " --arg n_chans=22 --arg n_outputs=4 --arg n_times=1000 --input 1x22x1000",
        "rflint braindecode.models:EEGConformer"
        " --arg n_chans=22 --arg n_outputs=4 --arg n_times=1000 --input 1x22x1000",
        "rflint braindecode.models:ATCNet"
        " --arg n_chans=22 --arg n_outputs=4 --arg n_times=1000 --arg sfreq=250 --input 1x22x1000",
        "rflint braindecode.models:EEGTCNet"
        " --arg n_chans=22 --arg n_outputs=4 --arg n_times=1000 --input 1x22x1000",
    ),
    "asteroid": (
        "rflint asteroid.models:ConvTasNet --arg n_src=2 --input 1x1x16000",
        "rflint asteroid.models:DCCRNet --arg architecture=mini --input 1x1x16000",
        "rflint asteroid.models:DPTNet --arg n_src=2 --input 1x1x16000",
    ),
    "segmentation-models-pytorch": (
        "rflint segmentation_models_pytorch:Unet --arg encoder_weights=None --res 64",
        "rflint segmentation_models_pytorch:UnetPlusPlus --arg encoder_weights=None --res 64",
        "rflint segmentation_models_pytorch:DeepLabV3Plus --arg encoder_weights=None --res 224",
        "rflint segmentation_models_pytorch:PSPNet --arg encoder_weights=None --res 224",
        "rflint segmentation_models_pytorch:MAnet --arg encoder_weights=None --res 224",
        "rflint segmentation_models_pytorch:Segformer --arg encoder_weights=None --res 224",
    ),
    "monai": (
        "rflint monai.networks.nets:UNet --arg spatial_dims=2 --arg in_channels=1"
        " --arg out_channels=2 --arg channels=(8,16,32,64) --arg strides=(2,2,2) --res 64",
        "rflint monai.networks.nets:DenseNet121 --arg spatial_dims=3 --arg in_channels=1"
        " --arg out_channels=2 --input 1x1x32x32x32",
        "rflint monai.networks.nets:SegResNet --input 1x1x64x64x64",
        "rflint monai.networks.nets:AttentionUnet --arg spatial_dims=2 --arg in_channels=1"
        " --arg out_channels=2 --arg channels=(8,16,32,64) --arg strides=(2,2,2) --res 96",
        "rflint monai.networks.nets:SwinUNETR --arg in_channels=1 --arg out_channels=2"
        " --arg feature_size=12 --input 1x1x64x64x64",
        "rflint monai.networks.nets:VNet --input 1x1x64x64x64",
    ),
    "pytorchvideo": (
        "rflint pytorchvideo.models.resnet:create_resnet --input 1x3x8x224x224",
        "rflint pytorchvideo.models.x3d:create_x3d --arg input_clip_length=13"
        " --arg input_crop_size=160 --input 1x3x13x160x160",
        "rflint pytorchvideo.models.slowfast:create_slowfast"
        " --input x.0=1x3x8x224x224 --input x.1=1x3x32x224x224",
        "rflint pytorchvideo.models.csn:create_csn --input 1x3x32x224x224",
    ),
    "denoising-diffusion-pytorch": (
        "rflint denoising_diffusion_pytorch:Unet --arg dim=32 --input x=1x3x64x64"
        " --input time=1:int64:B",
        "rflint denoising_diffusion_pytorch:Unet1D --arg dim=32 --arg channels=4"
        " --input x=1x4x128 --input time=1:int64:B",
    ),
    "kornia": (
        "rflint kornia.feature:HardNet --arg pretrained=False --res 32",
        "rflint kornia.feature:SOSNet --arg pretrained=False --res 32",
        "rflint kornia.feature:KeyNet --arg pretrained=False --res 64",
        "rflint kornia.feature:DISK --res 256",
        "rflint kornia.feature:LoFTR --arg pretrained=None"
        " --input data.image0=1x1x240x320 --input data.image1=1x1x240x320",
    ),
    "open_clip_torch": (
        "rflint open_clip:create_model --arg model_name=RN50 --res 224",
        "rflint open_clip:create_model --arg model_name=ViT-B-32"
        " --input image=1x3x224x224 --input text=1x77:int64",
    ),
    "speechbrain": (
        "rflint speechbrain.lobes.models.ECAPA_TDNN:ECAPA_TDNN --arg input_size=80"
        " --input 1x200x80",
        "rflint speechbrain.lobes.models.Xvector:Xvector --arg in_channels=80 --input 1x200x80",
        "rflint speechbrain.lobes.models.CRDNN:CRDNN --arg input_shape=(None,None,80)"
        " --input 1x200x80",
    ),
    "torchaudio": (
        "rflint torchaudio.models:ConvTasNet --input 1x1x16000",
        "rflint torchaudio.models:hdemucs_low --arg sources=['voice','rest'] --input 1x2x44100",
        "rflint torchaudio.models:wav2vec2_base --input 1x16000",
    ),
    "neuraloperator": (
        "rflint neuralop.models:FNO --arg n_modes=(12,12) --arg hidden_channels=16"
        " --arg in_channels=1 --arg out_channels=1 --input 1x1x64x64",
        "rflint neuralop.models:UNO --arg in_channels=1 --arg out_channels=1"
        " --arg hidden_channels=16 --arg uno_out_channels=[16,16,16]"
        " --arg uno_n_modes=[[8,8],[8,8],[8,8]] --arg uno_scalings=[[1,1],[1,1],[1,1]]"
        " --arg n_layers=3 --arg channel_mlp_skip=linear --input 1x1x64x64",
    ),
    "spandrel": (
        "rflint spandrel.architectures.SPAN:SPAN --arg num_in_ch=3 --arg num_out_ch=3 --res 64",
        "rflint spandrel.architectures.ESRGAN:ESRGAN --res 64",
        "rflint spandrel.architectures.SwinIR:SwinIR --arg window_size=8 --res 64",
    ),
    "tsai": (
        "rflint tsai.models.InceptionTime:InceptionTime --arg c_in=3 --arg c_out=5 --input 1x3x500",
        "rflint tsai.models.TCN:TCN --arg c_in=3 --arg c_out=5 --input 1x3x500",
    ),
    "efficientnet-pytorch": (
        "rflint efficientnet_pytorch:EfficientNet.from_name --arg model_name=efficientnet-b0"
        " --res 224",
    ),
    "conformer": ("rflint conformer:Conformer --arg dim=80 --arg depth=2 --input 1x1000x80",),
    "pytorch-tcn": (
        "rflint pytorch_tcn:TCN --arg num_inputs=8 --arg num_channels=[16,16,16] --input 1x8x100",
    ),
}
"""Every command is one line. A shell wants quotes around arguments with brackets."""
